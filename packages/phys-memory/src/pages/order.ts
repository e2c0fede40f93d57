import { PAGE_SIZE } from '../address.ts';

/** Largest order of the page allocator: blocks of 4 MiB (spec P3). */
export const MAX_PAGE_ORDER = 10;
/** Order of a page block, the unit that has a migrate type: 2 MiB (spec P3). */
export const PAGEBLOCK_ORDER = 9;
export const PAGEBLOCK_PAGES = 2 ** PAGEBLOCK_ORDER;

/** `get_order`: the smallest n with 4096 * 2^n >= size (spec P3). */
export function getOrder(sizeBytes: number): number {
  let order = 0;
  while (PAGE_SIZE * 2 ** order < sizeBytes) order++;
  return order;
}
