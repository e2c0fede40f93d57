import { bits } from './bits.ts';

/** Command opcodes (spec H72). */
export const SmmuCommand = {
  PREFETCH_CONFIG: 0x01,
  PREFETCH_ADDR: 0x02,
  CFGI_STE: 0x03,
  CFGI_STE_RANGE: 0x04, // CFGI_ALL with the widest range
  CFGI_CD: 0x05,
  CFGI_CD_ALL: 0x06,
  TLBI_NH_ALL: 0x10,
  TLBI_NH_ASID: 0x11,
  TLBI_NH_VA: 0x12,
  TLBI_NH_VAA: 0x13,
  TLBI_EL2_ALL: 0x20,
  TLBI_EL2_ASID: 0x21,
  TLBI_EL2_VA: 0x22,
  TLBI_EL2_VAA: 0x23,
  TLBI_S12_VMALL: 0x28,
  TLBI_S2_IPA: 0x2a,
  TLBI_NSNH_ALL: 0x30,
  ATC_INV: 0x40,
  PRI_RESP: 0x41,
  RESUME: 0x44,
  SYNC: 0x46,
} as const;
export const COMMAND_BYTES = 16;

/** CFGI_STE, CFGI_CD and the prefetches: which stream, which substream (spec H72). */
export const ConfigCommand = {
  qw0: { OP: bits(7, 0), RSVD8: bits(11, 8), SSID: bits(31, 12), SID: bits(63, 32) },
  qw1: { LEAF: bits(0), RSVD1: bits(63, 1) },
} as const;

/** CFGI_STE_RANGE: 2^(RANGE + 1) streams, 31 for all (spec H72). */
export const ConfigRangeCommand = {
  qw0: ConfigCommand.qw0,
  qw1: { RANGE: bits(4, 0), RSVD5: bits(63, 5) },
} as const;
export const CONFIG_RANGE_ALL = 31;

/** TLBI commands (spec H72). */
export const TlbiCommand = {
  qw0: {
    OP: bits(7, 0),
    RSVD8: bits(11, 8),
    NUM: bits(16, 12),
    RSVD17: bits(19, 17),
    SCALE: bits(25, 20),
    RSVD26: bits(31, 26),
    VMID: bits(47, 32),
    ASID: bits(63, 48),
  },
  qw1: {
    LEAF: bits(0),
    RSVD1: bits(7, 1),
    TTL: bits(9, 8),
    TG: bits(11, 10),
    ADDR: bits(63, 12),
  },
} as const;

/** ATC_INV: 2^SIZE pages of a device's own cache (spec H72). */
export const AtcInvalidateCommand = {
  qw0: {
    OP: bits(7, 0),
    RSVD8: bits(8),
    GLOBAL: bits(9),
    RSVD10: bits(10),
    SSV: bits(11),
    SSID: bits(31, 12),
    SID: bits(63, 32),
  },
  qw1: { SIZE: bits(5, 0), RSVD6: bits(11, 6), ADDR: bits(63, 12) },
} as const;
/** SIZE of everything (spec H72). */
export const ATC_SIZE_ALL = 52;

/** SYNC (spec H72). */
export const SyncCommand = {
  qw0: {
    OP: bits(7, 0),
    RSVD8: bits(11, 8),
    CS: bits(13, 12),
    RSVD14: bits(21, 14),
    MSH: bits(23, 22),
    MSIATTR: bits(27, 24),
    RSVD28: bits(31, 28),
    MSIDATA: bits(63, 32),
  },
  qw1: { RSVD0: bits(1, 0), MSIADDR: bits(51, 2), RSVD52: bits(63, 52) },
} as const;
/** Values of SyncCommand.CS: how completion is told (spec H72). */
export const SyncSignal = { NONE: 0, IRQ: 1, SEV: 2 } as const;

/** CMDQ_CONS.ERR (spec H72). */
export const CommandError = { NONE: 0, ILLEGAL: 1, ABORT: 2, ATC_TIMEOUT: 3 } as const;
