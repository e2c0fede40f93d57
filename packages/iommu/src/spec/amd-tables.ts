import { bits } from './bits.ts';

/** Device table entry: 32 bytes, indexed by device id (spec H34). The fourth qword is for guests' own use. */
export const AmdDeviceEntry = {
  qw0: {
    V: bits(0),
    TV: bits(1),
    RSVD2: bits(6, 2),
    HAD: bits(8, 7),
    MODE: bits(11, 9), // levels of the host table; 0 none
    ROOT: bits(51, 12),
    PPR: bits(52),
    GPRP: bits(53),
    GIOV: bits(54), // requests without PASID take guest table 0
    GV: bits(55),
    GLX: bits(57, 56), // levels of the GCR3 table minus one
    GCR3_12: bits(60, 58), // bits 14:12 of the GCR3 table's address
    IR: bits(61),
    IW: bits(62),
    RSVD63: bits(63),
  },
  qw1: {
    DOMAIN_ID: bits(15, 0),
    GCR3_15: bits(31, 16), // bits 30:15
    I: bits(32), // ATS requests are answered
    SE: bits(33), // log the first fault only
    SA: bits(34), // log no fault
    IOCTL: bits(36, 35),
    CACHE: bits(37),
    SD: bits(38),
    EX: bits(39), // the exclusion range is for this device
    SYS_MGT: bits(41, 40),
    RSVD42: bits(42),
    GCR3_31: bits(63, 43), // bits 51:31
  },
  qw2: {
    IV: bits(0),
    INT_TAB_LEN: bits(4, 1),
    IG: bits(5),
    INT_TAB: bits(51, 6),
    RSVD52: bits(53, 52),
    GUEST_MODE: bits(55, 54), // 0: guest tables of 4 levels, 1: of 5
    INIT_PASS: bits(56),
    EINT_PASS: bits(57),
    NMI_PASS: bits(58),
    RSVD59: bits(59),
    INT_CTL: bits(61, 60),
    LINT0_PASS: bits(62),
    LINT1_PASS: bits(63),
  },
} as const;
export const AMD_DEVICE_ENTRY_BYTES = 32;
/** Device ids that one page of the table holds. */
export const AMD_DEVICES_PER_PAGE = 128;

/** Values of AmdDeviceEntry.qw0.HAD (spec H34). */
export const AmdHardwareUpdates = { NONE: 0, ACCESSED: 1, ACCESSED_AND_DIRTY: 3 } as const;

/** Values of AmdDeviceEntry.qw2.INT_CTL: what becomes of a write to the interrupt window (spec H34). */
export const AmdInterruptControl = { ABORT: 0, PASS: 1, REMAP: 2 } as const;

/** Entry of a GCR3 table: a table below it, or the root of a PASID's guest table (spec H38). */
export const AmdGcr3Entry = {
  V: bits(0),
  RSVD1: bits(11, 1),
  ADDR: bits(51, 12),
  RSVD52: bits(63, 52),
} as const;
