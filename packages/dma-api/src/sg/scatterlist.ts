import { DMA_MAPPING_ERROR, type DmaAddr, PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import type { Page, PageConversions } from '../page-era/page-conversions.ts';
import { DmaArgumentError } from '../types/errors.ts';

/**
 * One entry: what the CPU put in, by page, and what the mapping made of it (spec D24). The two sides are unrelated once
 * entries were concatenated.
 */
export class SgEntry {
  page: Page;
  offset: number;
  length: number;
  dmaAddress: DmaAddr = DMA_MAPPING_ERROR;
  dmaLength = 0;
  /** `SG_DMA_BUS_ADDRESS`: the address is a peer's bus address, not a mapping. */
  busAddress = false;

  constructor(page: Page, offset: number, length: number) {
    this.page = page;
    this.offset = offset;
    this.length = length;
  }
}

/** A scatterlist. The "mapped via swiotlb" mark is list-wide, and no call clears it (spec D24). */
export class Scatterlist {
  readonly entries: SgEntry[];
  swiotlb = false;

  constructor(entries: SgEntry[]) {
    this.entries = entries;
  }

  /** A list over physical ranges, each by the page that holds its first byte. */
  static fromRanges(ranges: readonly { readonly phys: number; readonly length: number }[]): Scatterlist {
    return new Scatterlist(
      ranges.map(({ phys, length }) => new SgEntry(Math.floor(phys / PAGE_SIZE) as Page, phys % PAGE_SIZE, length)),
    );
  }
}

/** `sg_table`: `origNents` CPU entries, `nents` DMA entries. */
export interface SgTable {
  list: Scatterlist;
  origNents: number;
  nents: number;
}

/** `sg_phys`: page to address, then the offset. */
export function sgPhys(conversions: PageConversions, entry: SgEntry): PhysAddr {
  return (conversions.pageToPhys(entry.page) + entry.offset) as PhysAddr;
}

/** @throws {DmaArgumentError} when the list has fewer entries than the call was told */
export function checkEntries(call: string, list: Scatterlist, nents: number): void {
  if (nents >= 0 && nents <= list.entries.length) return;
  const text = `${nents} entries of a list that has ${list.entries.length}`;
  throw new DmaArgumentError(call, text, { nents, entries: list.entries.length });
}
