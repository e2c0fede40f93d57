import type { IotlbGather, PageOperations, PagingDomain } from '@dmalab/iommu';
import {
  WORK_INVALIDATION,
  WORK_IOVA_CACHED,
  WORK_IOVA_TREE,
  WORK_TABLE_ENTRY,
  WORK_TABLE_MAP,
  WORK_TABLE_UNMAP,
} from './work-kinds.ts';
import type { WorkMeter } from './work-meter.ts';

const PAGE_BYTES = 4096;
/** Ranges up to 32 pages are kept by CPU (spec I24); larger ones come from the tree each time. */
const CACHED_BYTES = 32 * PAGE_BYTES;

/**
 * A paging domain whose work is counted. A range is allocated once and freed once, and taken out of the tables once in
 * between: that is where both are charged.
 */
export class MeteredPaging implements PagingDomain {
  readonly #inner: PagingDomain;
  readonly #meter: WorkMeter;
  readonly pageSizes: number;
  readonly apertureEnd: number;
  readonly pageOperations?: PageOperations;

  constructor(inner: PagingDomain, meter: WorkMeter) {
    this.#inner = inner;
    this.#meter = meter;
    this.pageSizes = inner.pageSizes;
    this.apertureEnd = inner.apertureEnd;
    if (inner.pageOperations !== undefined) this.pageOperations = meteredPages(inner.pageOperations, meter);
  }

  get mappedBytes(): number {
    return this.#inner.mappedBytes;
  }

  get syncsMaps(): boolean {
    return this.#inner.syncsMaps ?? true;
  }

  map(iova: number, phys: number, lengthBytes: number, prot: number): number {
    this.#meter.add(WORK_TABLE_MAP, 1);
    this.#meter.add(WORK_TABLE_ENTRY, lengthBytes / PAGE_BYTES - 1);
    return this.#inner.map(iova, phys, lengthBytes, prot);
  }

  unmap(iova: number, lengthBytes: number, gather: IotlbGather): number {
    this.#meter.add(lengthBytes <= CACHED_BYTES ? WORK_IOVA_CACHED : WORK_IOVA_TREE, 1);
    this.#meter.add(WORK_TABLE_UNMAP, 1);
    this.#meter.add(WORK_TABLE_ENTRY, lengthBytes / PAGE_BYTES - 1);
    return this.#inner.unmap(iova, lengthBytes, gather);
  }

  iovaToPhys(iova: number): number {
    return this.#inner.iovaToPhys(iova);
  }

  /** Where maps are synchronised at all, caches may hold that nothing was there: an invalidation. */
  iotlbSyncMap(iova: number, lengthBytes: number): number {
    if (this.syncsMaps) this.#meter.add(WORK_INVALIDATION, 1);
    return this.#inner.iotlbSyncMap(iova, lengthBytes);
  }

  iotlbSync(gather: IotlbGather): void {
    if (gather.start < gather.end) this.#meter.add(WORK_INVALIDATION, 1);
    this.#inner.iotlbSync(gather);
  }

  flushIotlbAll(): void {
    this.#meter.add(WORK_INVALIDATION, 1);
    this.#inner.flushIotlbAll();
  }

  freeTablePages(pages: Float64Array, count: number): void {
    this.#inner.freeTablePages(pages, count);
  }
}

function meteredPages(inner: PageOperations, meter: WorkMeter): PageOperations {
  return {
    mapPage(iovaPfn, physPfn, prot) {
      meter.add(WORK_TABLE_MAP, 1);
      return inner.mapPage(iovaPfn, physPfn, prot);
    },
    unmapPage(iovaPfn) {
      meter.add(WORK_IOVA_CACHED, 1);
      meter.add(WORK_TABLE_UNMAP, 1);
      return inner.unmapPage(iovaPfn);
    },
  };
}
