import { bits } from './bits.ts';

/** Host page-table entry, version 1, every level (spec H35). */
export const AmdPageEntry = {
  PR: bits(0),
  IGN1: bits(4, 1),
  A: bits(5), // hardware sets it where the device's HAD field says so
  D: bits(6),
  IGN7: bits(8, 7),
  NL: bits(11, 9), // level of the next table; 0 or 7 for a page
  ADDR: bits(51, 12), // of a page with NL = 7 the low bits are its size
  RSVD52: bits(58, 52),
  U: bits(59),
  FC: bits(60),
  IR: bits(61),
  IW: bits(62),
  IGN63: bits(63),
} as const;

/** Values of AmdPageEntry.NL that make an entry a page (spec H37). */
export const AmdNextLevel = { PAGE: 0, SIZED_PAGE: 7 } as const;

/** Most levels of a host table; the root of six has 128 entries in use, for addresses end at 64 bits (spec H35). */
export const AMD_MOST_LEVELS = 6;
