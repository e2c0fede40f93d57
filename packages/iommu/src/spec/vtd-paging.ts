import { bits } from './bits.ts';

/** Second-stage paging entry, every level (spec H18). Address bits at and above the host address width are reserved. */
export const SecondStageEntry = {
  R: bits(0),
  W: bits(1),
  X: bits(2),
  EMT_IPAT: bits(6, 3),
  PS: bits(7), // 1 = leaf at levels 2 and 3; reserved above; ignored at level 1
  A: bits(8),
  D: bits(9),
  SW10: bits(10), // Linux sets it in pointers to tables
  SNP: bits(11), // reserved unless ECAP.SC
  ADDR: bits(51, 12),
  SW52: bits(61, 52),
  TM: bits(62), // reserved
  SW63: bits(63),
} as const;

/** First-stage paging entry: x86-64 paging (spec H22). Address bits at and above the host address width are reserved. */
export const FirstStageEntry = {
  P: bits(0),
  RW: bits(1),
  US: bits(2),
  PWT: bits(3),
  PCD: bits(4),
  A: bits(5),
  D: bits(6),
  PS: bits(7), // leaf at levels 2 and 3; reserved above; PAT at level 1
  G: bits(8),
  SW9: bits(9),
  EA: bits(10),
  SW11: bits(11),
  ADDR: bits(51, 12),
  SW52: bits(62, 52),
  XD: bits(63),
} as const;

/** Bit 12 of a first-stage large leaf is PAT, not address (spec H22). */
export const FIRST_STAGE_LARGE_PAT = bits(12);

export const PAGING_ENTRY_BYTES = 8;
/** log2 of the entries in a paging table. */
export const PAGING_INDEX_BITS = 9;

/** log2 of the bytes that one entry of that level covers: 12, 21, 30, 39, 48 for levels 1 to 5 (spec H18). */
export function levelShift(level: number): number {
  return 12 + PAGING_INDEX_BITS * (level - 1);
}

/** First and last byte of the window that x86 keeps for interrupt messages (spec H10). */
export const INTERRUPT_WINDOW_FIRST = 0xfee00000;
export const INTERRUPT_WINDOW_LAST = 0xfeefffff;
