import type { IovaDomain } from '../iova/iova-domain.ts';
import type { LeafTables } from '../page-table/leaf-tables.ts';
import type { DmaDomain } from './dma-domain.ts';
import type { PagingDomain } from './paging-domain.ts';

/**
 * The short way of one device through a {@link DmaDomain}, for what lies in one 4 KiB page, by page numbers: from a cached
 * IO virtual page to the two words of its entry. What the long way looks at first (masks, limits, alignment, trace points)
 * was looked at when the lane was made. Where anything is out of the ordinary a lane changes nothing, says so, and the long
 * way decides: {@link DmaDomain.mapRange}, {@link DmaDomain.unmapRange}.
 *
 * Numbers below 2^31 stay small integers all the way, so nothing is boxed; numeric fields start as numbers for the same
 * reason: V8 keeps a field that was ever `undefined` as "anything" (40 ns a pair instead of 49; dma-api, map.bench.ts).
 */
export class PageLane {
  readonly #domain: DmaDomain;
  readonly #iova: IovaDomain;
  readonly #paging: PagingDomain;
  readonly #tables: LeafTables;
  /** First page number that the device can't reach, or that it tries only when those below are exhausted (spec I38). */
  readonly #bound: number = 0;

  constructor(domain: DmaDomain, tables: LeafTables, bound: number) {
    this.#domain = domain;
    this.#iova = domain.iova;
    this.#paging = domain.paging;
    this.#tables = tables;
    this.#bound = bound < 2 ** 31 ? bound | 0 : bound; // a quotient is a double, and would stay one
  }

  /** Maps one page: its IO virtual page number, or 0 where the long way has to decide. `prot` is a sum of `IOMMU_*`. */
  mapPage(physPfn: number, prot: number): number {
    if (this.#paging.syncsMaps !== false) return 0;
    const pfn = this.#iova.takePage(this.#bound);
    if (pfn === 0 || this.#tables.write(pfn, physPfn, prot)) return pfn;
    this.#iova.freeFast(pfn, 1); // the long way finds it on top again
    return 0;
  }

  /** Maps one page of a reserved range, as {@link DmaDomain.linkRange} does; false where that has to decide. */
  linkPage(pfn: number, physPfn: number, prot: number): boolean {
    return this.#tables.write(pfn, physPfn, prot);
  }

  /**
   * Unmaps one page, as strictly or lazily as the domain does: the physical page number that was mapped there, or a number
   * below 1 where the long way has to decide.
   */
  unmapPage(pfn: number): number {
    const physPfn = this.#tables.take(pfn);
    if (physPfn < 0) return physPfn;
    const queue = this.#domain.flushQueue;
    if (queue !== null) queue.queue(pfn, 1, null);
    else this.#domain.retirePage(pfn);
    return physPfn;
  }
}
