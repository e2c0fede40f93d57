import type { CostKey, Costs } from '../costs/cost-table.ts';

/** Work of a CPU, by its index in the meter's columns. */
export const WORK_APPLICATION = 0;
export const WORK_WAKE = 1;
export const WORK_SUBMIT = 2;
export const WORK_COMPLETE = 3;
export const WORK_INTERRUPT = 4;
export const WORK_POLL = 5;
export const WORK_DOORBELL = 6;
export const WORK_MAP = 7;
export const WORK_UNMAP = 8;
export const WORK_CONVERSION = 9;
export const WORK_IOVA_CACHED = 10;
export const WORK_IOVA_TREE = 11;
export const WORK_TABLE_MAP = 12;
export const WORK_TABLE_UNMAP = 13;
export const WORK_TABLE_ENTRY = 14;
export const WORK_INVALIDATION = 15;
export const WORK_BOUNCE = 16;
export const WORK_BOUNCED_BYTE = 17;
export const WORK_CACHE_LINE = 18;

/** Which figure prices each kind, and under which part it is reported. */
export const WORK_KINDS = [
  { cost: 'applicationNanos', part: 'application' },
  { cost: 'wakeNanos', part: 'waking up' },
  { cost: 'submitNanos', part: 'block layer' },
  { cost: 'completeNanos', part: 'block layer' },
  { cost: 'interruptNanos', part: 'interrupts' },
  { cost: 'pollNanos', part: 'interrupts' },
  { cost: 'doorbellNanos', part: 'block layer' },
  { cost: 'mapNanos', part: 'mapping calls' },
  { cost: 'unmapNanos', part: 'mapping calls' },
  { cost: 'conversionNanos', part: 'conversions' },
  { cost: 'iovaCachedNanos', part: 'IOVA' },
  { cost: 'iovaTreeNanos', part: 'IOVA' },
  { cost: 'tableMapNanos', part: 'page tables' },
  { cost: 'tableUnmapNanos', part: 'page tables' },
  { cost: 'tableEntryNanos', part: 'page tables' },
  { cost: 'invalidationNanos', part: 'invalidation' },
  { cost: 'bounceNanos', part: 'bouncing' },
  { cost: 'bounceByteNanos', part: 'bouncing' },
  { cost: 'cacheLineNanos', part: 'caches' },
] as const satisfies readonly { readonly cost: CostKey; readonly part: string }[];

/** Where a CPU's time goes. */
export type WorkPart = (typeof WORK_KINDS)[number]['part'];

export const WORK_PARTS: readonly WorkPart[] = [...new Set(WORK_KINDS.map(({ part }) => part))];

/** Nanoseconds for one of each kind. */
export function workPrices(costs: Costs): Float64Array {
  return Float64Array.from(WORK_KINDS, ({ cost }) => costs[cost]);
}
