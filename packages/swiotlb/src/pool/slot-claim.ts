import { INVALID_PHYS_ADDR, IO_TLB_SIZE } from '../constants.ts';
import { freeRun, freeRunBefore, occupy, vacate } from './free-runs.ts';
import type { SwiotlbPool } from './pool.ts';
import { raiseBounds } from './segment-bounds.ts';

/** Hands out `need` slots from `slot` for `total` bytes that begin `low` bytes into it (spec S50 to S52). */
export function claimSlots(pool: SwiotlbPool, slot: number, need: number, total: number, low: number): void {
  const { size, areaSlots } = pool;
  let left = total - low;
  for (let k = slot; k < slot + need; k++) {
    size[k] = left;
    left -= IO_TLB_SIZE;
  }
  occupy(pool.busy, slot, need);
  const area = areaOf(pool, slot);
  const next = slot - area * areaSlots + need;
  pool.areaIndex[area] = next < areaSlots ? next : 0;
  pool.areaUsed[area] += need;
}

/** Notes which bytes of the caller each slot stands for, behind `padSlots` slots of padding (spec S36). */
export function recordOriginal(pool: SwiotlbPool, slot: number, need: number, padSlots: number, orig: number): void {
  const first = slot + padSlots;
  pool.head[first] = 1 + padSlots;
  for (let k = first; k < slot + need; k++) {
    pool.orig[k] = orig;
    orig += IO_TLB_SIZE;
  }
}

/** Takes `count` slots from `slot` back. The search position stays where it is (spec S57, S58). */
export function releaseSlots(pool: SwiotlbPool, slot: number, count: number): void {
  const { busy, orig, size, head } = pool;
  for (let k = slot; k < slot + count; k++) {
    orig[k] = INVALID_PHYS_ADDR;
    size[k] = 0;
    head[k] = 0;
  }
  vacate(busy, slot, count);
  const before = freeRunBefore(busy, slot);
  raiseBounds(pool, slot - before, before + freeRun(busy, slot));
  pool.areaUsed[areaOf(pool, slot)] -= count;
}

function areaOf(pool: SwiotlbPool, slot: number): number {
  return pool.areaCount === 1 ? 0 : Math.floor(slot / pool.areaSlots);
}
