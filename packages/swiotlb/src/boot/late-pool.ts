import { PAGE_SIZE } from '@dmalab/phys-memory';
import { IO_TLB_MIN_SLABS, IO_TLB_SIZE } from '../constants.ts';
import type { BootPool } from './boot-pool.ts';
import { areasFor, roundUpToPowerOfTwo } from './parameter.ts';

const SLOTS_IN_PAGE = PAGE_SIZE / IO_TLB_SIZE;
/** Pages of the largest block that the page allocator has: 4 MiB on x86 (spec S21, S115). */
export const MAX_BLOCK_PAGES = 1024;

/**
 * Creates a pool after boot, where the platform made none: one block of the page allocator (spec S21).
 *
 * @param allocatePages first byte of a free, naturally aligned block of so many pages, or -1
 */
export function createLatePool(slots: number, areas: number, allocatePages: (pages: number) => number): BootPool {
  const wanted = roundUpToPowerOfTwo(Math.ceil(slots / SLOTS_IN_PAGE));
  let pages = Math.min(wanted, MAX_BLOCK_PAGES);
  let start = -1;
  while (start < 0) {
    if (pages * SLOTS_IN_PAGE <= IO_TLB_MIN_SLABS) return { geometry: null, lines: [] };
    start = allocatePages(pages);
    if (start < 0) pages /= 2;
  }
  const slotCount = pages * SLOTS_IN_PAGE;
  const lines = pages === wanted ? [] : [`only able to allocate ${(pages * PAGE_SIZE) / 2 ** 20} MB`];
  return { geometry: { start, slotCount, areaCount: areasFor(slotCount, areas) }, lines };
}
