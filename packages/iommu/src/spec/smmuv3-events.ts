import { bits } from './bits.ts';

/** Event record, 32 bytes (spec H71). */
export const EventRecord = {
  qw0: { ID: bits(7, 0), RSVD8: bits(10, 8), SSV: bits(11), SSID: bits(31, 12), SID: bits(63, 32) },
  qw1: {
    STAG: bits(15, 0),
    RSVD16: bits(30, 16),
    STALL: bits(31),
    RSVD32: bits(32),
    PNU: bits(33),
    IND: bits(34),
    RNW: bits(35),
    RSVD36: bits(38, 36),
    S2: bits(39),
    CLASS: bits(41, 40),
    RSVD42: bits(63, 42),
  },
  qw2: { INPUT_ADDR: bits(63, 0) },
  qw3: { RSVD0: bits(11, 0), IPA: bits(51, 12), RSVD52: bits(63, 52) }, // or the address of a fetch, from bit 3 on
} as const;
export const EVENT_RECORD_BYTES = 32;

/** Event ids (spec H71). */
export const SmmuEventId = {
  F_UUT: 0x01,
  C_BAD_STREAMID: 0x02,
  F_STE_FETCH: 0x03,
  C_BAD_STE: 0x04,
  F_BAD_ATS_TREQ: 0x05,
  F_STREAM_DISABLED: 0x06,
  F_TRANSL_FORBIDDEN: 0x07,
  C_BAD_SUBSTREAMID: 0x08,
  F_CD_FETCH: 0x09,
  C_BAD_CD: 0x0a,
  F_WALK_EABT: 0x0b,
  F_TRANSLATION: 0x10,
  F_ADDR_SIZE: 0x11,
  F_ACCESS: 0x12,
  F_PERMISSION: 0x13,
} as const;

/** Values of EventRecord.CLASS: what caused a translation fault (spec H71). */
export const EventClass = { CONTEXT_DESCRIPTOR: 0, TRANSLATION_TABLE: 1, INPUT: 2 } as const;
