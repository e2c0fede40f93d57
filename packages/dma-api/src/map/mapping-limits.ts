import { PAGE_SIZE } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { dmaAddressingLimited } from '../device/dma-mask.ts';
import { mapDirect } from '../device/go-direct.ts';
import { ALL_ONES } from '../types/masks.ts';

/** `dma_max_mapping_size`: advice; a larger map of a bouncing device just fails (spec D41, S77). */
export function dmaMaxMappingSize(dev: Device): number {
  if (!dev.hasDmaMask) return 0;
  if (mapDirect(dev)) {
    const bounces = dev.swiotlbActive && (dmaAddressingLimited(dev) || dev.forceBounce || dev.needsUnencrypted);
    return bounces ? dev.ioTlbMem!.maxMappingSize(dev) : ALL_ONES;
  }
  if (dev.iommu === null) return dev.dmaOps?.maxMappingSize?.(dev) ?? ALL_ONES;
  return dev.untrusted && dev.ioTlbMem !== null ? dev.ioTlbMem.maxMappingSize(dev) : ALL_ONES;
}

/** `dma_opt_mapping_size`: what the IOVA caches serve, 32 pages, whatever the granule (spec D41, I79). */
export function dmaOptMappingSize(dev: Device): number {
  let size = ALL_ONES;
  if (dev.iommu !== null) size = PAGE_SIZE << 5;
  else size = dev.dmaOps?.optMappingSize?.() ?? ALL_ONES;
  return Math.min(dmaMaxMappingSize(dev), size);
}

/** `dma_get_merge_boundary`: segments that meet on it become one; 0 means "cannot merge" (spec D10, D51). */
export function dmaGetMergeBoundary(dev: Device): number {
  if (dev.iommu !== null) return dev.iommu.granule - 1;
  return dev.dmaOps?.getMergeBoundary?.(dev) ?? 0;
}

/** `dma_pci_p2pdma_supported`: no platform table at all, whatever the bypass flag says (spec D10). */
export function dmaPciP2pdmaSupported(dev: Device): boolean {
  return dev.dmaOps === null;
}
