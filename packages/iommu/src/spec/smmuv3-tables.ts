import { bits } from './bits.ts';

/** Level 1 stream table descriptor, 8 bytes (spec H60). */
export const StreamTableDescriptor = {
  SPAN: bits(4, 0), // 0: invalid; else 2^(SPAN - 1) entries below
  RSVD5: bits(5),
  L2PTR: bits(51, 6),
  RSVD52: bits(63, 52),
} as const;
export const STREAM_TABLE_DESCRIPTOR_BYTES = 8;

/** Stream table entry, 64 bytes; qwords 4 to 7 are for the secure world and others (spec H61). */
export const StreamTableEntry = {
  qw0: {
    V: bits(0),
    CONFIG: bits(3, 1),
    S1FMT: bits(5, 4),
    S1CONTEXTPTR: bits(51, 6),
    RSVD52: bits(58, 52),
    S1CDMAX: bits(63, 59), // log2 of the context descriptors
  },
  qw1: {
    S1DSS: bits(1, 0),
    S1CIR: bits(3, 2),
    S1COR: bits(5, 4),
    S1CSH: bits(7, 6),
    RSVD8: bits(16, 8),
    DCP: bits(17),
    PPAR: bits(18),
    MEV: bits(19),
    RSVD20: bits(24, 20),
    S2FWB: bits(25),
    RSVD26: bits(26),
    S1STALLD: bits(27),
    EATS: bits(29, 28),
    STRW: bits(31, 30),
    MEMATTR: bits(35, 32),
    MTCFG: bits(36),
    ALLOCCFG: bits(40, 37),
    RSVD41: bits(43, 41),
    SHCFG: bits(45, 44),
    NSCFG: bits(47, 46),
    PRIVCFG: bits(49, 48),
    INSTCFG: bits(51, 50),
    RSVD52: bits(63, 52),
  },
  qw2: {
    S2VMID: bits(15, 0),
    RSVD16: bits(31, 16),
    S2T0SZ: bits(37, 32),
    S2SL0: bits(39, 38),
    S2IR0: bits(41, 40),
    S2OR0: bits(43, 42),
    S2SH0: bits(45, 44),
    S2TG: bits(47, 46),
    S2PS: bits(50, 48),
    S2AA64: bits(51),
    S2ENDI: bits(52),
    S2AFFD: bits(53),
    S2PTW: bits(54),
    S2HD: bits(55),
    S2HA: bits(56),
    S2S: bits(57),
    S2R: bits(58),
    RSVD59: bits(63, 59),
  },
  qw3: {
    RSVD0: bits(3, 0),
    S2TTB: bits(51, 4),
    RSVD52: bits(63, 52),
  },
} as const;
export const STREAM_TABLE_ENTRY_BYTES = 64;

/** Values of StreamTableEntry.CONFIG; below 4, requests are dropped without an event (spec H61). */
export const StreamConfig = { ABORT: 0, BYPASS: 4, STAGE1: 5, STAGE2: 6, NESTED: 7 } as const;
/** Values of StreamTableEntry.S1FMT (spec H61). */
export const ContextTableFormat = { LINEAR: 0, LEAF_4K: 1, LEAF_64K: 2 } as const;
/** Values of StreamTableEntry.S1DSS: what a request without substream goes through (spec H70). */
export const DefaultSubstream = { TERMINATE: 0, BYPASS: 1, SUBSTREAM_0: 2 } as const;
/** Values of StreamTableEntry.EATS (spec H61). */
export const StreamAts = { OFF: 0, FULL: 1, STAGE1_CHECKED: 2 } as const;
/** Values of StreamTableEntry.STRW (spec H61). */
export const StreamWorld = { EL1: 0, EL2: 2 } as const;
/** Values of PRIVCFG and INSTCFG that take the place of what the request says; the others let it stand. */
export const StreamOverride = { UNPRIVILEGED: 2, PRIVILEGED: 3, DATA: 2, INSTRUCTION: 3 } as const;
/** Value of StreamTableEntry.SHCFG: the shareability that comes with the request (spec H61). */
export const SHCFG_INCOMING = 1;

/** Level 1 context descriptor table entry, 8 bytes (spec H62). */
export const ContextTableDescriptor = {
  V: bits(0),
  RSVD1: bits(11, 1),
  L2PTR: bits(51, 12),
  RSVD52: bits(63, 52),
} as const;
export const CONTEXT_TABLE_DESCRIPTOR_BYTES = 8;

/** Context descriptor, 64 bytes; qwords 4 to 7 are reserved (spec H62). */
export const ContextDescriptor = {
  qw0: {
    T0SZ: bits(5, 0),
    TG0: bits(7, 6),
    IR0: bits(9, 8),
    OR0: bits(11, 10),
    SH0: bits(13, 12),
    EPD0: bits(14),
    ENDI: bits(15),
    T1SZ: bits(21, 16),
    TG1: bits(23, 22),
    IR1: bits(25, 24),
    OR1: bits(27, 26),
    SH1: bits(29, 28),
    EPD1: bits(30),
    V: bits(31),
    IPS: bits(34, 32),
    AFFD: bits(35),
    WXN: bits(36),
    UWXN: bits(37),
    TBI: bits(39, 38),
    PAN: bits(40),
    AA64: bits(41),
    HD: bits(42),
    HA: bits(43),
    S: bits(44),
    R: bits(45),
    A: bits(46),
    ASET: bits(47),
    ASID: bits(63, 48),
  },
  qw1: { NSCFG0: bits(0), HAD0: bits(1), RSVD2: bits(3, 2), TTB0: bits(51, 4), RSVD52: bits(63, 52) },
  qw2: { NSCFG1: bits(0), HAD1: bits(1), RSVD2: bits(3, 2), TTB1: bits(51, 4), RSVD52: bits(63, 52) },
  qw3: { MAIR: bits(63, 0) },
} as const;
export const CONTEXT_DESCRIPTOR_BYTES = 64;
