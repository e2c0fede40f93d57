import type { IotlbGather } from '../core/iotlb-gather.ts';
import type { PagingDomain } from '../core/paging-domain.ts';

const EADDRINUSE = -98;
const GRANULE = 4096;

/** A paging domain of 4 KiB pages that keeps its pages in a map and writes down what it was asked to invalidate. */
export class RecordingPagingDomain implements PagingDomain {
  readonly pageSizes = GRANULE;
  readonly apertureEnd = 2 ** 48 - 1;
  mappedBytes = 0;
  /** Physical page by IO virtual page number. */
  readonly pages = new Map<number, number>();
  /** 'range START-END' and 'all', in order. */
  readonly invalidations: string[] = [];
  readonly freedTablePages: number[] = [];
  /** Unmaps whose gather was marked queued (spec I109). */
  queuedUnmaps = 0;
  /** Returned by the next `map` or `iotlbSyncMap`, which then does nothing. */
  failMap = 0;
  failSyncMap = 0;

  map(iova: number, phys: number, lengthBytes: number): number {
    this.mappedBytes = 0;
    if (this.failMap !== 0) return this.failMap;
    for (let at = 0; at < lengthBytes; at += GRANULE) {
      const page = (iova + at) / GRANULE;
      if (this.pages.has(page)) return EADDRINUSE;
      this.pages.set(page, phys + at);
      this.mappedBytes += GRANULE;
    }
    return 0;
  }

  unmap(iova: number, lengthBytes: number, gather: IotlbGather): number {
    let cleared = 0;
    while (cleared < lengthBytes && this.pages.delete((iova + cleared) / GRANULE)) cleared += GRANULE;
    if (gather.queued) this.queuedUnmaps++;
    if (cleared > 0 && !gather.queued) gather.addRange(iova, iova + cleared - 1);
    return cleared;
  }

  iovaToPhys(iova: number): number {
    const offset = iova % GRANULE;
    const page = this.pages.get((iova - offset) / GRANULE);
    return page === undefined ? 0 : page + offset;
  }

  iotlbSyncMap(): number {
    return this.failSyncMap;
  }

  iotlbSync(gather: IotlbGather): void {
    this.invalidations.push(`range ${gather.start.toString(16)}-${gather.end.toString(16)}`);
    for (let i = 0; i < gather.tablePageCount; i++) this.freedTablePages.push(gather.tablePages[i]);
  }

  flushIotlbAll(): void {
    this.invalidations.push('all');
  }

  freeTablePages(pages: Float64Array, count: number): void {
    this.freedTablePages.push(...pages.slice(0, count));
  }
}
