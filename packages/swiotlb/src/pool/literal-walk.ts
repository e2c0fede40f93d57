import { IO_TLB_SIZE } from '../constants.ts';
import { freeRun } from './free-runs.ts';
import type { SwiotlbPool } from './pool.ts';
import type { SlotSearch } from './slot-search.ts';

/** Spec S43 word for word, slot by slot: what every faster walk must agree with, and the walk for broken masks. */
export function literalWalk(search: SlotSearch, pool: SwiotlbPool, area: number): number {
  const { need, orig, aam, hi, step, poolOffset } = search;
  const { areaSlots, busy } = pool;
  let i = pool.areaIndex[area];
  let spent = 0;
  while (spent < areaSlots) {
    const slot = area * areaSlots + i;
    const at = poolOffset + IO_TLB_SIZE * slot;
    if ((at & aam) !== 0 || (orig !== 0 && (at & hi) !== (orig & hi))) {
      i = i + 1 >= areaSlots ? 0 : i + 1;
      spent += 1;
      continue;
    }
    if (!search.crosses(slot) && freeRun(busy, slot) >= need) return slot;
    i += step;
    if (i >= areaSlots) i = 0;
    spent += step;
  }
  return -1;
}
