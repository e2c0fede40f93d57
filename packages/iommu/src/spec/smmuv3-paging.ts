import { bits } from './bits.ts';

/** What the low bits of a translation table entry make it (spec H64). */
export const DescriptorType = { INVALID: 0, BLOCK: 1, RESERVED: 2, TABLE_OR_PAGE: 3 } as const;

/** VMSAv8-64 entry that points at a table; the address starts at the granule's shift (spec H64). */
export const TableDescriptor = {
  TYPE: bits(1, 0),
  IGNORED2: bits(11, 2),
  ADDR: bits(47, 12),
  RSVD48: bits(50, 48),
  IGNORED51: bits(58, 51),
  PXNTABLE: bits(59),
  XNTABLE: bits(60),
  APTABLE: bits(62, 61),
  NSTABLE: bits(63),
} as const;

/** VMSAv8-64 stage 1 block or page (spec H64). */
export const Stage1Descriptor = {
  TYPE: bits(1, 0),
  ATTRINDX: bits(4, 2),
  NS: bits(5),
  AP: bits(7, 6), // AP[1] unprivileged access, AP[2] read-only
  SH: bits(9, 8),
  AF: bits(10),
  NG: bits(11),
  ADDR: bits(47, 12),
  RSVD48: bits(50, 48),
  DBM: bits(51),
  CONTIGUOUS: bits(52),
  XN: bits(54, 53), // PXN, then UXN
  SW: bits(58, 55),
  IGNORED59: bits(63, 59),
} as const;

/** VMSAv8-64 stage 2 block or page (spec H64). */
export const Stage2Descriptor = {
  TYPE: bits(1, 0),
  MEMATTR: bits(5, 2),
  S2AP: bits(7, 6), // read, write
  SH: bits(9, 8),
  AF: bits(10),
  RSVD11: bits(11),
  ADDR: bits(47, 12),
  RSVD48: bits(50, 48),
  DBM: bits(51),
  CONTIGUOUS: bits(52),
  XN: bits(54, 53),
  SW: bits(58, 55),
  IGNORED59: bits(63, 59),
} as const;

/** Granule shifts by the value of CD.TG0 and STE.S2TG; 0 where the value is reserved (spec H62, H122). */
export const TG0_SHIFTS = [12, 16, 14, 0] as const;
/** Granule shifts by the value of CD.TG1 (spec H62). */
export const TG1_SHIFTS = [0, 14, 12, 16] as const;
/** Granule shifts by the TG of a range invalidation (spec H72). */
export const TLBI_TG_SHIFTS = [0, 12, 14, 16] as const;

/** Fewest and most values of TxSZ (spec H63). */
export const TXSZ_MIN = 16;
export const TXSZ_MAX = 39;
