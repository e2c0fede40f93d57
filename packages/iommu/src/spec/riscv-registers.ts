import { bits } from './bits.ts';

/** Offsets of the RISC-V IOMMU's registers, in bytes from the unit's base (spec H90). */
export const RISCV_REG = {
  CAPABILITIES: 0x000,
  FCTL: 0x008,
  DDTP: 0x010,
  CQB: 0x018,
  CQH: 0x020,
  CQT: 0x024,
  FQB: 0x028,
  FQH: 0x030,
  FQT: 0x034,
  PQB: 0x038,
  PQH: 0x040,
  PQT: 0x044,
  CQCSR: 0x048,
  FQCSR: 0x04c,
  PQCSR: 0x050,
  IPSR: 0x054,
  TR_REQ_IOVA: 0x258,
  TR_REQ_CTL: 0x260,
  TR_RESPONSE: 0x268,
  ICVEC: 0x2f8,
  MSI_CFG_TBL: 0x300,
} as const;

/** Entries of the MSI configuration table, 16 bytes each: address, data, vector control. */
export const RISCV_MSI_ENTRIES = 16;

/** `capabilities`, 64 bits (spec H90). */
export const RiscvCaps = {
  VERSION: bits(7, 0),
  SV32: bits(8),
  SV39: bits(9),
  SV48: bits(10),
  SV57: bits(11),
  RSVD12: bits(14, 12),
  SVPBMT: bits(15),
  SV32X4: bits(16),
  SV39X4: bits(17),
  SV48X4: bits(18),
  SV57X4: bits(19),
  RSVD20: bits(20),
  AMO_MRIF: bits(21),
  MSI_FLAT: bits(22),
  MSI_MRIF: bits(23),
  AMO_HWAD: bits(24),
  ATS: bits(25),
  T2GPA: bits(26),
  END: bits(27),
  IGS: bits(29, 28), // 0 MSI, 1 wires, 2 either
  HPM: bits(30),
  DBG: bits(31),
  PAS: bits(37, 32),
  PD8: bits(38),
  PD17: bits(39),
  PD20: bits(40),
  RSVD41: bits(41),
  NL: bits(42),
  S: bits(43),
  RSVD44: bits(63, 44),
} as const;

/** `fctl`, 32 bits. */
export const RiscvFctl = { BE: bits(0), WSI: bits(1), GXL: bits(2), RSVD3: bits(31, 3) } as const;

/** `ddtp`, 64 bits. */
export const RiscvDdtp = {
  MODE: bits(3, 0),
  BUSY: bits(4),
  RSVD5: bits(9, 5),
  PPN: bits(53, 10),
  RSVD54: bits(63, 54),
} as const;
export const RiscvDdtpMode = { OFF: 0, BARE: 1, LEVELS_1: 2, LEVELS_2: 3, LEVELS_3: 4 } as const;

/** `cqb`, `fqb` and `pqb`, 64 bits. */
export const RiscvQueueBase = {
  LOG2SZ_1: bits(4, 0),
  RSVD5: bits(9, 5),
  PPN: bits(53, 10),
  RSVD54: bits(63, 54),
} as const;

/** `cqcsr`, 32 bits. */
export const RiscvCqcsr = {
  CQEN: bits(0),
  CIE: bits(1),
  RSVD2: bits(7, 2),
  CQMF: bits(8),
  CMD_TO: bits(9),
  CMD_ILL: bits(10),
  FENCE_W_IP: bits(11),
  RSVD12: bits(15, 12),
  CQON: bits(16),
  BUSY: bits(17),
  RSVD18: bits(31, 18),
} as const;

/** `fqcsr` and `pqcsr`, 32 bits. */
export const RiscvFqcsr = {
  FQEN: bits(0),
  FIE: bits(1),
  RSVD2: bits(7, 2),
  FQMF: bits(8),
  FQOF: bits(9),
  RSVD10: bits(15, 10),
  FQON: bits(16),
  BUSY: bits(17),
  RSVD18: bits(31, 18),
} as const;

/** `ipsr`, 32 bits: one bit for each cause of an interrupt, and `icvec` has four bits for each. */
export const RiscvIpsr = { CIP: bits(0), FIP: bits(1), PMIP: bits(2), PIP: bits(3), RSVD4: bits(31, 4) } as const;
export const RiscvIcvec = {
  CIV: bits(3, 0),
  FIV: bits(7, 4),
  PMIV: bits(11, 8),
  PIV: bits(15, 12),
  RSVD16: bits(63, 16),
} as const;

/** `tr_req_ctl`, 64 bits: the translation request of a debugger. */
export const RiscvTrReqCtl = {
  GO: bits(0),
  PRIV: bits(1),
  EXE: bits(2),
  NW: bits(3),
  RSVD4: bits(11, 4),
  PID: bits(31, 12),
  PV: bits(32),
  RSVD33: bits(39, 33),
  DID: bits(63, 40),
} as const;

/** `tr_response`, 64 bits. A fault's cause stands where the PPN would. */
export const RiscvTrResponse = {
  FAULT: bits(0),
  RSVD1: bits(6, 1),
  PBMT: bits(8, 7),
  S: bits(9),
  PPN: bits(53, 10),
  RSVD54: bits(63, 54),
} as const;
