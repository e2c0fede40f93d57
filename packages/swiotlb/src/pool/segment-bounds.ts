import { IO_TLB_SEGSIZE } from '../constants.ts';
import { freeRun } from './free-runs.ts';
import type { SwiotlbPool } from './pool.ts';

/**
 * How long a free run a segment can offer at best, from an even slot (`runBound[2 * segment]`) and from an odd one
 * (`runBound[2 * segment + 1]`): a search that needs more passes the whole segment at the price of one read.
 *
 * Invariant: a bound is never below the truth. A claim leaves it (and marks it stale), a free raises it, and a search
 * that came through a stale segment in vain has it counted again: at most one count for each claim.
 */

/** After a free: the run of `length` slots from `slot` exists now. */
export function raiseBounds(pool: SwiotlbPool, slot: number, length: number): void {
  const at = (slot >> 7) << 1;
  const even = length - (slot & 1);
  const odd = length - 1 + (slot & 1);
  if (pool.runBound[at] < even) pool.runBound[at] = even;
  if (pool.runBound[at + 1] < odd) pool.runBound[at + 1] = odd;
}

/** Counts both bounds of a segment again, exactly. */
export function tightenBounds(pool: SwiotlbPool, segment: number): void {
  const { busy, runBound } = pool;
  const first = segment * IO_TLB_SEGSIZE;
  let even = 0;
  let odd = 0;
  for (let slot = first; slot < first + IO_TLB_SEGSIZE; ) {
    const run = freeRun(busy, slot);
    const fromEven = run - (slot & 1);
    const fromOdd = run - 1 + (slot & 1);
    if (fromEven > even) even = fromEven;
    if (fromOdd > odd) odd = fromOdd;
    slot += run + 1; // the slot behind a run is occupied or in the next segment
  }
  runBound[2 * segment] = even;
  runBound[2 * segment + 1] = odd;
  pool.boundStale[segment] = 0;
}
