import type { Device } from '../device/device.ts';
import { invalidateForCpu, releaseIfBounced } from '../dma-iommu/iommu-bounce.ts';
import { DMA_ATTR_MMIO, DMA_ATTR_SKIP_CPU_SYNC } from '../types/attrs.ts';
import { hex } from '../types/hex.ts';
import { lowBits } from '../types/masks.ts';
import { dmaIovaFree, roundToGranule } from './iova-reserve.ts';
import type { DmaIovaState } from './iova-state.ts';

/**
 * `dma_iova_unlink` (spec D75, I88): clears that part and waits for its invalidation, also in a lazy domain. Bounce slots
 * are released before the mapping goes away (spec I231).
 */
export function dmaIovaUnlink(
  dev: Device,
  state: DmaIovaState,
  offset: number,
  size: number,
  dir: number,
  attrs = 0,
): void {
  const domain = dev.iommu!;
  const address = state.addr + offset;
  const cacheWork = !dev.coherent && (attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) === 0;
  if (state.bounced || cacheWork) releaseByGranule(dev, address, size, dir, attrs);
  const pad = lowBits(address, domain.granule - 1);
  domain.unlinkRange(address - pad, roundToGranule(size + pad, domain.granule));
}

/** `dma_iova_destroy`: unlinks the prefix that was linked, then gives the whole reservation back (spec D76, I90). */
export function dmaIovaDestroy(dev: Device, state: DmaIovaState, mappedLength: number, dir: number, attrs = 0): void {
  if (mappedLength > 0) dmaIovaUnlink(dev, state, 0, mappedLength, dir, attrs);
  dmaIovaFree(dev, state);
}

/** The page table tells granule by granule what was mapped in place and what in a slot. */
function releaseByGranule(dev: Device, address: number, size: number, dir: number, attrs: number): void {
  const domain = dev.iommu!;
  for (let at = address, left = size; left > 0; ) {
    const phys = domain.iovaToPhys(at);
    if (phys === 0) {
      const text = `WARNING: unlink at ${hex(at)}: the page table has no physical address for it`;
      dev.context.log.add('warn', 'dma_iova_unlink', dev.name, text);
      return;
    }
    const piece = Math.min(left, domain.granule - lowBits(at, domain.granule - 1));
    if ((attrs & DMA_ATTR_MMIO) === 0) invalidateForCpu(dev, phys, piece, dir, attrs);
    releaseIfBounced(dev, phys, piece, dir, attrs);
    at += piece;
    left -= piece;
  }
}
