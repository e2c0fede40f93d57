import { benchmarks, type Growth, type Kernel } from '@dmalab/bench';
import type { PhysAddr } from '@dmalab/phys-memory';
import { dmaMappingError } from '../map/map-page.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { type BenchBackend, benchDevice } from '../testing/bench-machine.ts';
import { DMA_TO_DEVICE } from '../types/direction.ts';

const OPERATIONS = 1000;
const FIRST = 0x1_0000_0000;

/** Maps, checks and unmaps one page beside so many mappings that stay. */
function besideLiveMappings(backend: BenchBackend, debug: boolean) {
  return (live: number): Kernel => {
    const dev = benchDevice(backend, debug);
    for (let i = 0; i < live; i++) dmaMapPhys(dev, (FIRST + i * 4096) as PhysAddr, 4096, DMA_TO_DEVICE);
    const page = (FIRST + live * 4096) as PhysAddr;
    return () => {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) {
        const address = dmaMapPhys(dev, page, 4096, DMA_TO_DEVICE);
        if (dmaMappingError(dev, address) !== 0) throw new Error('no mapping');
        sum += address;
        dmaUnmapPhys(dev, address, 4096, DMA_TO_DEVICE);
      }
      return sum;
    };
  };
}

export default benchmarks([]);

const live = { of: 'live mappings', sizes: [1000, 10_000, 100_000, 1_000_000], operations: OPERATIONS };

export const growth: readonly Growth[] = [
  { name: 'map + unmap, IOMMU lazy', ...live, kernel: besideLiveMappings('lazy', false) },
  { name: 'map + unmap, IOMMU strict', ...live, kernel: besideLiveMappings('strict', false) },
  { name: 'map + unmap, IOMMU lazy, dma-debug on', ...live, kernel: besideLiveMappings('lazy', true) },
];
