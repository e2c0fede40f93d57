import { PAGE_SIZE } from '../address.ts';
import { PAGEBLOCK_PAGES } from './order.ts';
import type { PageDescriptors } from './page-descriptors.ts';

const PAGES_4_GIB = 2 ** 32 / PAGE_SIZE;

/**
 * Where a contiguous area without a given base goes at boot: above 4 GiB growing upwards if there is room, else as high
 * as it fits (spec P53). Inside one zone, on borders of 2 MiB, clear of what is reserved already.
 * @param node -1: any
 * @returns its physical address, or -1 when it fits nowhere
 */
export function placeCmaArea(pages: PageDescriptors, lengthBytes: number, node = -1): number {
  const count = Math.ceil(lengthBytes / PAGE_SIZE / PAGEBLOCK_PAGES) * PAGEBLOCK_PAGES;
  const free = pages.zones
    .filter((zone) => node < 0 || zone.node === node)
    .flatMap((zone) => zone.ranges.flatMap((range) => pages.releasedOf(range)))
    .map(({ first, last }) => ({
      first: Math.ceil(first / PAGEBLOCK_PAGES) * PAGEBLOCK_PAGES,
      end: Math.floor((last + 1) / PAGEBLOCK_PAGES) * PAGEBLOCK_PAGES,
    }))
    .filter(({ first, end }) => end - first >= count)
    .sort((a, b) => a.first - b.first);
  const high = free.find(({ first }) => first >= PAGES_4_GIB);
  if (high !== undefined) return high.first * PAGE_SIZE;
  const highest = free.at(-1);
  return highest === undefined ? -1 : (highest.end - count) * PAGE_SIZE;
}
