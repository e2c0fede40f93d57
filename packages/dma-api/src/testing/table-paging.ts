import type { IotlbGather, PagingDomain } from '@dmalab/iommu';

const PAGE = 4096;

/** Page tables as a plain map from IOVA page to physical page and protection, with a list of what was done to them. */
export class TablePaging implements PagingDomain {
  readonly pageSizes: number;
  readonly apertureEnd = 2 ** 48 - 1;
  readonly entries = new Map<number, { phys: number; prot: number }>();
  readonly calls: string[] = [];
  mappedBytes = 0;
  /** Error of the next map calls, 0 for none. */
  failMapsWith = 0;
  failSyncsWith = 0;

  constructor(pageSizes = PAGE) {
    this.pageSizes = pageSizes;
  }

  map(iova: number, phys: number, lengthBytes: number, prot: number): number {
    this.mappedBytes = 0;
    if (this.failMapsWith !== 0) return this.failMapsWith;
    if (iova % PAGE !== 0 || phys % PAGE !== 0) return -6; // -ENXIO (spec I153)
    for (let at = 0; at < lengthBytes; at += PAGE) {
      this.entries.set(iova + at, { phys: phys + at, prot });
      this.mappedBytes += PAGE;
    }
    this.calls.push(`map ${lengthBytes}`);
    return 0;
  }

  unmap(iova: number, lengthBytes: number, gather: IotlbGather): number {
    let cleared = 0;
    for (let at = 0; at < lengthBytes; at += PAGE) if (this.entries.delete(iova + at)) cleared += PAGE;
    if (cleared > 0 && !gather.queued) gather.addRange(iova, iova + lengthBytes - 1);
    this.calls.push(`unmap ${lengthBytes}`);
    return cleared;
  }

  iovaToPhys(iova: number): number {
    const entry = this.entries.get(iova - (iova % PAGE));
    return entry === undefined ? 0 : entry.phys + (iova % PAGE);
  }

  iotlbSyncMap(): number {
    return this.failSyncsWith;
  }

  iotlbSync(): void {
    this.calls.push('sync');
  }

  flushIotlbAll(): void {
    this.calls.push('flush all');
  }

  freeTablePages(): void {}
}
