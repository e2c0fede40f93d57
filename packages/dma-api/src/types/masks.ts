/** All ones in 64 bits, as near as a double gets; as a mask it admits every address of the model. */
export const ALL_ONES = 2 ** 64 - 1;

/** `DMA_BIT_MASK(n)`: the lowest n bits set, 0 to 64. Above 53 bits the nearest double, 2^n. */
export function dmaBitMask(bits: number): number {
  return 2 ** bits - 1;
}

/** The smaller one, where 0 means "none" (spec, Notation); 0 if both are 0 (spec T18). */
export function minNotZero(a: number, b: number): number {
  if (a === 0) return b;
  if (b === 0) return a;
  return Math.min(a, b);
}

/** Last byte of a range, with the wrap-around of 64-bit arithmetic: size 0 at address 0 ends at all ones (spec T17). */
export function lastByte(address: number, size: number): number {
  const last = address + size - 1;
  return last < 0 ? ALL_ONES : last;
}

/** Smallest 2^n - 1 that covers the value (spec D39). */
export function coveringMask(value: number): number {
  let mask = 0;
  while (mask < value) mask = mask * 2 + 1;
  return mask;
}

/** Rounds up to a multiple of `unit`, a power of two or not; plain arithmetic because addresses pass 32 bits. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Low bits under a mask of at most 31 bits: `&` takes the low 32 bits of a number of any width, and `%` is a call. */
export function lowBits(address: number, mask: number): number {
  return address & mask;
}
