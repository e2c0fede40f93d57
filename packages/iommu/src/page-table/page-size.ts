/**
 * log2 of the largest page that divides both addresses and is no longer than what is left (spec I151); -1 when none is.
 * By bits, for a long run of small pages comes here for each of them.
 */
export function largestPageShift(pageSizes: number, iova: number, phys: number, lengthBytes: number): number {
  const most = Math.min(trailingZeros(iova, phys), floorLog2(lengthBytes));
  if (most >= 32) {
    const high = Math.floor(pageSizes * 2 ** -32) & (2 ** (most - 31) - 1);
    if (high !== 0) return 63 - Math.clz32(high);
  }
  const low = most >= 31 ? pageSizes : pageSizes & (2 ** (most + 1) - 1);
  return 31 - Math.clz32(low);
}

/** Zero bits below the lowest one of either address; 52 when both are 0. */
function trailingZeros(a: number, b: number): number {
  const low = a | b;
  if (low !== 0) return 31 - Math.clz32(low & -low);
  const high = Math.floor(a * 2 ** -32) | Math.floor(b * 2 ** -32);
  return high === 0 ? 52 : 63 - Math.clz32(high & -high);
}

/** Of a positive number. */
function floorLog2(value: number): number {
  const high = Math.floor(value * 2 ** -32);
  return high === 0 ? 31 - Math.clz32(value) : 63 - Math.clz32(high);
}
