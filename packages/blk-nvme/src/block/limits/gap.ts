/** Lowest set bit, counted from 1; 0 for 0. */
export function ffs(value: number): number {
  return value === 0 ? 0 : 32 - Math.clz32(value & -value);
}

/**
 * Mask of the address bits that some inner boundary of a request leaves unaligned (spec N14): `gapMask & (2^k - 1)` is
 * not 0 exactly when some boundary is not 2^k aligned.
 */
export function gapMask(gapBit: number): number {
  return gapBit === 0 ? 0 : -1 << (gapBit - 1);
}
