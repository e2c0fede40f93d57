import { benchmarks, type Kernel, pairKernel, pteKernel } from '@dmalab/bench';
import {
  bounce,
  COLD_PAGES,
  COLD_SLOTS,
  COPIES,
  copies,
  HOT_PAGES,
  HOT_SLOTS,
  mapUnmap,
  OPERATIONS,
  singles,
  TRANSFERS,
  twoStep,
} from '../testing/map-kernels.ts';
import { DMA_BIDIRECTIONAL, DMA_TO_DEVICE } from '../types/direction.ts';

/** One call through a site that has seen too many shapes to inline any. */
function megamorphicCall(): Kernel {
  const shapes = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => ({ [`only${n}`]: n, call: (x: number) => (x + n) | 0 }));
  return () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) sum = shapes[i & 7].call(sum);
    return sum;
  };
}

export default benchmarks([
  {
    name: 'map + unmap, direct',
    operations: OPERATIONS,
    tested: mapUnmap('direct'),
    limitName: 'a megamorphic call',
    limit: megamorphicCall,
    atMost: 2,
    goal: 1,
  },
  {
    name: 'map + unmap, IOMMU lazy',
    operations: OPERATIONS,
    tested: mapUnmap('lazy'),
    limitName: 'L_pair',
    limit: () => pairKernel(OPERATIONS),
    atMost: 18,
    goal: 2,
  },
  {
    name: 'map + unmap, IOMMU lazy, dma-debug on',
    operations: OPERATIONS,
    tested: mapUnmap('lazy', true),
    limitName: 'the same without',
    limit: mapUnmap('lazy'),
    atMost: 1.7,
    goal: 3,
  },
  {
    name: 'map + unmap, IOMMU strict',
    operations: OPERATIONS,
    tested: mapUnmap('strict'),
    limitName: 'the same, lazy',
    limit: mapUnmap('lazy'),
    atMost: 2,
    goal: 4,
  },
  {
    name: 'map + unmap, bounced, one copy, hot',
    operations: COPIES,
    tested: bounce(HOT_PAGES, HOT_SLOTS, DMA_TO_DEVICE),
    limitName: 'hot copy of 4 KiB',
    limit: copies(HOT_PAGES, HOT_SLOTS),
    atMost: 3.3,
    goal: 5,
  },
  {
    name: 'map + unmap, bounced, both ways, cold',
    operations: COPIES,
    tested: bounce(COLD_PAGES, COLD_SLOTS, DMA_BIDIRECTIONAL),
    limitName: 'cold copy of 4 KiB',
    limit: copies(COLD_PAGES, COLD_SLOTS),
    atMost: 1.15,
    goal: 5,
  },
  {
    name: 'two-step 128 KiB, lazy domain',
    operations: TRANSFERS,
    tested: twoStep('lazy'),
    limitName: 'L_pte128K',
    limit: () => pteKernel(TRANSFERS),
    goal: 6,
  },
  {
    name: 'two-step 128 KiB, strict domain',
    operations: TRANSFERS,
    tested: twoStep('strict'),
    limitName: 'L_pte128K',
    limit: () => pteKernel(TRANSFERS),
    atMost: 10,
    goal: 6,
  },
  {
    name: 'two-step 128 KiB against 32 single maps',
    operations: TRANSFERS,
    tested: twoStep('strict'),
    limitName: '32 single maps',
    limit: singles('strict'),
    atMost: 0.4,
    goal: 6,
  },
]);
