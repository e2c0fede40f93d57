import type { IotlbGather, PagingDomain } from '@dmalab/iommu';
import { GRANULE } from './operation.ts';

/** Page tables that nobody looks at: while addresses are searched, only the allocator's decisions matter. */
export class IdlePagingDomain implements PagingDomain {
  readonly pageSizes = GRANULE;
  readonly apertureEnd: number;
  readonly mappedBytes = 0;

  constructor(apertureEnd: number) {
    this.apertureEnd = apertureEnd;
  }

  map(): number {
    return 0;
  }

  unmap(_iova: number, lengthBytes: number, _gather: IotlbGather): number {
    return lengthBytes;
  }

  iovaToPhys(): number {
    return 0;
  }

  iotlbSyncMap(): number {
    return 0;
  }

  iotlbSync(): void {}

  flushIotlbAll(): void {}

  freeTablePages(): void {}
}
