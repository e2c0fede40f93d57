import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';
import { DMA_ATTR_MMIO } from '../types/attrs.ts';
import { EINVAL, ENXIO } from '../types/errno.ts';
import type { DmaMapOps } from './dma-map-ops.ts';

/** `dma_dummy_ops`: the table of a device that must not do DMA; everything fails, and an unmap is a bug (spec D12). */
export const DMA_DUMMY_OPS: DmaMapOps = {
  mmap: () => ENXIO,
  mapPhys: () => DMA_MAPPING_ERROR,
  unmapPhys(dev) {
    dev.context.log.warnOnce('dma_dummy_unmap_phys', dev.name, 'unmap on a device that can map nothing');
  },
  mapSg: () => EINVAL,
  unmapSg(dev) {
    dev.context.log.warnOnce('dma_dummy_unmap_sg', dev.name, 'unmap on a device that can map nothing');
  },
  dmaSupported: () => false,
};

/** A table whose IOMMU can't map MMIO, as most platforms' (spec D12): the callback looks at the attribute and fails at once. */
export function refusingMmio(ops: DmaMapOps): DmaMapOps {
  return {
    ...ops,
    mapPhys(dev, phys, size, dir, attrs) {
      if ((attrs & DMA_ATTR_MMIO) !== 0) return DMA_MAPPING_ERROR;
      return ops.mapPhys?.(dev, phys, size, dir, attrs) ?? DMA_MAPPING_ERROR;
    },
  };
}
