import type { SwiotlbPool } from './pool.ts';

/**
 * How long a free run a segment can offer at best, from an even slot (`runBound[2 * segment]`) and from an odd one
 * (`runBound[2 * segment + 1]`): a search that needs more passes the whole segment at the price of one read.
 *
 * Invariant: a bound is never below the truth. A claim leaves it, a free raises it, a search in vain lowers it.
 * Checked in segment-search.prop.test.ts.
 */

/** After a free: the run of `length` slots from `slot` exists now. */
export function raiseBounds(pool: SwiotlbPool, slot: number, length: number): void {
  const at = (slot >> 7) << 1;
  const even = length - (slot & 1);
  const odd = length - 1 + (slot & 1);
  if (pool.runBound[at] < even) pool.runBound[at] = even;
  if (pool.runBound[at + 1] < odd) pool.runBound[at + 1] = odd;
}

/** After a search for `need` slots: `fits` has the bit of every slot, modulo 32, from which the segment offers them. */
export function lowerBounds(pool: SwiotlbPool, segment: number, need: number, fits: number): void {
  const at = segment << 1;
  if ((fits & 0x55555555) === 0 && pool.runBound[at] >= need) pool.runBound[at] = need - 1;
  if ((fits & 0xaaaaaaaa) === 0 && pool.runBound[at + 1] >= need) pool.runBound[at + 1] = need - 1;
}
