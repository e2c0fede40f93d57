import { bit, bits } from './bits.ts';

/** Bytes in a completion queue entry; also log2 for CC.IOCQES. */
export const CQE_BYTES = 16;
export const CQES_LOG2 = 4;

/** 32-bit words of a completion queue entry (spec N132). */
export const CqeWord = { DW0: 0, DW1: 1, SQ: 2, STATUS: 3 } as const;

export const CqeSq = { SQHD: bits(15, 0), SQID: bits(31, 16) } as const;

/** Last word: the command id and the status field with the phase in its lowest bit (spec N132). */
export const CqeStatus = {
  CID: bits(15, 0),
  P: bit(16),
  SC: bits(24, 17),
  SCT: bits(27, 25),
  CRD: bits(29, 28),
  M: bit(30),
  DNR: bit(31),
} as const;

/** Status as traces print it: the 16-bit status field without its phase bit (spec notation). */
export function statusOf(word3: number): number {
  return word3 >>> 17;
}
