import type { Kernel } from '@dmalab/bench';
import { IotlbGather } from '../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE, type PagingDomain } from '../core/paging-domain.ts';

/** Ranges in one call of the kernel. */
export const TWO_STEP_OPERATIONS = 1_000;
const PAGES = 32;
const RW = IOMMU_READ | IOMMU_WRITE;

/** Links 32 scattered pages into one range, syncs, and unlinks them with one call: the page-table part of the two-step calls. */
export function twoStep(attachedDomain: () => PagingDomain, lazy: boolean): () => Kernel {
  return () => {
    const domain = attachedDomain();
    const gather = new IotlbGather();
    return () => {
      let cleared = 0;
      for (let i = 0; i < TWO_STEP_OPERATIONS; i++) {
        const iova = 0xffe00000 + (i & 7) * PAGES * 4096;
        for (let page = 0; page < PAGES; page++) domain.map(iova + page * 4096, 0x40000000 + page * 8192, 4096, RW);
        domain.iotlbSyncMap(iova, PAGES * 4096);
        gather.reset(lazy);
        cleared += domain.unmap(iova, PAGES * 4096, gather);
        if (!lazy) domain.iotlbSync(gather);
      }
      if (cleared !== TWO_STEP_OPERATIONS * PAGES * 4096) throw new Error('a page was not mapped');
      return cleared;
    };
  };
}
