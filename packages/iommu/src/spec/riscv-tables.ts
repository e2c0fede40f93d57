import { bits } from './bits.ts';

/** Non-leaf entry of the device and process directories (spec H92, H95). */
export const RiscvDirectoryEntry = { V: bits(0), RSVD1: bits(9, 1), PPN: bits(53, 10), RSVD54: bits(63, 54) } as const;

/** Device context, four qwords, or eight in the extended format (spec H93). */
export const RiscvDeviceContext = {
  tc: {
    V: bits(0),
    EN_ATS: bits(1),
    EN_PRI: bits(2),
    T2GPA: bits(3),
    DTF: bits(4),
    PDTV: bits(5),
    PRPR: bits(6),
    GADE: bits(7),
    SADE: bits(8),
    DPE: bits(9),
    SBE: bits(10),
    SXL: bits(11),
    RSVD12: bits(23, 12),
    CUSTOM: bits(31, 24),
    RSVD32: bits(63, 32),
  },
  iohgatp: { PPN: bits(43, 0), GSCID: bits(59, 44), MODE: bits(63, 60) },
  ta: { RSVD0: bits(11, 0), PSCID: bits(31, 12), RSVD32: bits(63, 32) },
  /** `iosatp`, or `pdtp` with PDTV. */
  fsc: { PPN: bits(43, 0), RSVD44: bits(59, 44), MODE: bits(63, 60) },
  msiptp: { PPN: bits(43, 0), RSVD44: bits(59, 44), MODE: bits(63, 60) },
  msiAddrMask: { MASK: bits(51, 0), RSVD52: bits(63, 52) },
  msiAddrPattern: { PATTERN: bits(51, 0), RSVD52: bits(63, 52) },
} as const;
export const RISCV_BASE_CONTEXT_BYTES = 32;
export const RISCV_EXTENDED_CONTEXT_BYTES = 64;

/** Process context (spec H95); its second qword is an `iosatp`. */
export const RiscvProcessContext = {
  ta: { V: bits(0), ENS: bits(1), SUM: bits(2), RSVD3: bits(11, 3), PSCID: bits(31, 12), RSVD32: bits(63, 32) },
  fsc: { PPN: bits(43, 0), RSVD44: bits(59, 44), MODE: bits(63, 60) },
} as const;
export const RISCV_PROCESS_CONTEXT_BYTES = 16;

/** Modes of `iosatp` and `iohgatp`: bare, or levels + 5. */
export const RiscvPagingMode = { BARE: 0, SV39: 8, SV48: 9, SV57: 10 } as const;
/** Modes of `pdtp`. */
export const RiscvPdtpMode = { BARE: 0, PD8: 1, PD17: 2, PD20: 3 } as const;
/** Modes of `msiptp`. */
export const RiscvMsiptpMode = { OFF: 0, FLAT: 1 } as const;

/** MSI page table entry, basic translation mode (spec H102). */
export const RiscvMsiPte = {
  V: bits(0),
  M: bits(2, 1),
  RSVD3: bits(9, 3),
  PPN: bits(53, 10),
  RSVD54: bits(62, 54),
  C: bits(63),
} as const;
/** The same in MRIF mode: where the interrupt file is, and the notice that it sends. */
export const RiscvMrifPte = {
  qw0: { V: bits(0), M: bits(2, 1), RSVD3: bits(6, 3), ADDR: bits(53, 7), RSVD54: bits(62, 54), C: bits(63) },
  qw1: { NID_LOW: bits(9, 0), NPPN: bits(53, 10), RSVD54: bits(59, 54), NID_HIGH: bits(60), RSVD61: bits(63, 61) },
} as const;
export const RISCV_MSI_PTE_BYTES = 16;
export const RiscvMsiMode = { MRIF: 1, BASIC: 3 } as const;
