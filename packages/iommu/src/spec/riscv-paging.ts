import { bits } from './bits.ts';

/** Paging entry of either stage, every level (spec H96). */
export const RiscvPte = {
  V: bits(0),
  R: bits(1), // R, W and X all clear: a pointer to a table
  W: bits(2),
  X: bits(3),
  U: bits(4),
  G: bits(5),
  A: bits(6),
  D: bits(7),
  RSW: bits(9, 8),
  PPN: bits(53, 10),
  RSVD54: bits(60, 54),
  PBMT: bits(62, 61),
  N: bits(63),
} as const;

/** Low bits of a 64 KiB page's PPN: they name its size, all 16 entries have the same (spec H96). */
export const RISCV_NAPOT_64K = 8;

/** Second-stage roots have two index bits more: 16 KiB (spec H96). */
export const RISCV_SECOND_STAGE_ROOT_BITS = 11;
