import { benchmarks, withoutObservation } from '@dmalab/bench';
import type { BenchBackend } from '../testing/bench-machine.ts';
import * as kernels from '../testing/map-kernels.ts';
import { DMA_TO_DEVICE } from '../types/direction.ts';

/** Tracing and checking that are off cost nothing measurable. */
const MOST = 1.03;
const PROCESSES = 9;

/** The same API from sources without one look at who observes. */
const bare = await withoutObservation<typeof kernels>(new URL('../testing/map-kernels.ts', import.meta.url), [
  'dma-api/src/map/map-phys.ts',
  'iommu/src/core/dma-domain.ts',
  'dma-api/src/direct/bounce.ts',
]);

function single(backend: BenchBackend) {
  return {
    name: `observation off: map + unmap, ${backend}`,
    operations: kernels.OPERATIONS,
    tested: kernels.mapUnmap(backend),
    limitName: 'without trace points',
    limit: bare.mapUnmap(backend),
    atMost: MOST,
    processes: PROCESSES,
  };
}

export default benchmarks([
  single('direct'),
  single('lazy'),
  single('strict'),
  single('platform'),
  {
    name: 'observation off: map + unmap, bounced',
    operations: kernels.COPIES,
    tested: kernels.bounce(kernels.HOT_PAGES, kernels.HOT_SLOTS, DMA_TO_DEVICE),
    limitName: 'without trace points',
    limit: bare.bounce(kernels.HOT_PAGES, kernels.HOT_SLOTS, DMA_TO_DEVICE),
    atMost: MOST,
    processes: PROCESSES,
  },
]);
