import { bits } from './bits.ts';

/** Commands are two qwords; opcode and function are in the same bits of all (spec H100). */
export const RISCV_COMMAND_BYTES = 16;

export const RiscvOpcode = { IOTINVAL: 1, IOFENCE: 2, IODIR: 3, ATS: 4 } as const;
export const RiscvIotinvalFunc = { VMA: 0, GVMA: 1 } as const;
export const RiscvIofenceFunc = { C: 0 } as const;
export const RiscvIodirFunc = { INVAL_DDT: 0, INVAL_PDT: 1 } as const;
export const RiscvAtsFunc = { INVAL: 0, PRGR: 1 } as const;

export const RiscvIotinval = {
  qw0: {
    OPCODE: bits(6, 0),
    FUNC: bits(9, 7),
    AV: bits(10),
    RSVD11: bits(11),
    PSCID: bits(31, 12),
    PSCV: bits(32),
    GV: bits(33),
    NL: bits(34), // reserved unless capabilities.NL
    RSVD35: bits(43, 35),
    GSCID: bits(59, 44),
    RSVD60: bits(63, 60),
  },
  qw1: {
    RSVD0: bits(8, 0),
    S: bits(9), // reserved unless capabilities.S
    ADDR: bits(61, 10), // address / 4096
    RSVD62: bits(63, 62),
  },
} as const;

export const RiscvIofence = {
  qw0: {
    OPCODE: bits(6, 0),
    FUNC: bits(9, 7),
    AV: bits(10),
    WSI: bits(11),
    PR: bits(12),
    PW: bits(13),
    RSVD14: bits(31, 14),
    DATA: bits(63, 32),
  },
  qw1: { ADDR: bits(61, 0), RSVD62: bits(63, 62) }, // address / 4
} as const;

export const RiscvIodir = {
  qw0: {
    OPCODE: bits(6, 0),
    FUNC: bits(9, 7),
    RSVD10: bits(11, 10),
    PID: bits(31, 12),
    RSVD32: bits(32),
    DV: bits(33),
    RSVD34: bits(39, 34),
    DID: bits(63, 40),
  },
} as const;

export const RiscvAtsCommand = {
  qw0: {
    OPCODE: bits(6, 0),
    FUNC: bits(9, 7),
    RSVD10: bits(11, 10),
    PID: bits(31, 12),
    PV: bits(32),
    DSV: bits(33),
    RSVD34: bits(39, 34),
    RID: bits(55, 40),
    DSEG: bits(63, 56),
  },
} as const;

/** Payload of ATS.INVAL: as in the PCIe message. */
export const RiscvAtsInvalidation = { G: bits(0), RSVD1: bits(10, 1), S: bits(11), ADDR: bits(63, 12) } as const;
/** Payload of ATS.PRGR. */
export const RiscvAtsPageResponse = {
  RSVD0: bits(31, 0),
  PRGI: bits(40, 32),
  RSVD41: bits(43, 41),
  CODE: bits(47, 44),
  DEST: bits(63, 48),
} as const;
