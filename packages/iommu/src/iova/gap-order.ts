const SMALL = 2 ** 30;

/**
 * How large a naturally aligned block fits into the free pages [from, to): its order plus one, 0 for no page at all.
 * A range that is aligned to its own rounded length fits into a gap if and only if this exceeds its order.
 */
export function gapOrder(from: number, to: number): number {
  const length = to - from;
  if (length <= 0) return 0;
  if (to >= SMALL) return largeGapOrder(from, to);
  const order = 31 - Math.clz32(length);
  const block = 1 << order;
  // A gap of at least 2^order pages holds an aligned block of half that size wherever it starts.
  return ((from + block - 1) & -block) + block <= to ? order + 1 : order;
}

function largeGapOrder(from: number, to: number): number {
  let order = Math.floor(Math.log2(to - from));
  if (2 ** order > to - from) order--; // log2 rounds up next to a power of two
  const block = 2 ** order;
  return Math.ceil(from / block) * block + block <= to ? order + 1 : order;
}
