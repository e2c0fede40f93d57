import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { traceBounce } from '../direct/bounce.ts';
import { kmallocNeedsBounce } from '../direct/kmalloc-bounce.ts';
import { DMA_ATTR_SKIP_CPU_SYNC } from '../types/attrs.ts';
import { lowBits, roundUp } from '../types/masks.ts';

/** `dev_use_swiotlb`: an unaligned range of this device bounces. A forcing allocator is not consulted (spec D19, I49). */
export function useSwiotlb(dev: Device, size: number, dir: number): boolean {
  return !dev.plainIommu && (dev.untrusted || kmallocNeedsBounce(dev, size, dir));
}

/** The address or the size cuts through a granule. */
export function isUnaligned(granule: number, phys: number, size: number): boolean {
  return lowBits(phys, granule - 1) !== 0 || lowBits(size, granule - 1) !== 0;
}

/**
 * `iommu_dma_map_swiotlb`: whole granules of the pool in place of the buffer (spec I50). For an untrusted device what
 * lies beside the buffer in those granules is zeroed, so that it sees no stale kernel data (spec I51).
 *
 * @returns the physical address of the bounce buffer, or {@link DMA_MAPPING_ERROR}
 */
export function iommuMapSwiotlb(dev: Device, phys: number, size: number, dir: number, attrs: number): number {
  const { log, kernel } = dev.context;
  if (!dev.swiotlbActive) {
    log.warnOnce('dma-iommu bounce', dev.name, 'DMA bounce buffers are inactive, unable to map unaligned transaction.');
    return DMA_MAPPING_ERROR;
  }
  traceBounce(dev, phys, size);
  const { granule } = dev.iommu!;
  const slot = dev.ioTlbMem!.tblMapSingle(dev, phys, size, granule - 1, dir, attrs, kernel.cpu);
  if (slot === DMA_MAPPING_ERROR) return DMA_MAPPING_ERROR;
  if (dev.untrusted) zeroAround(dev, slot, size, granule);
  return slot;
}

function zeroAround(dev: Device, slot: number, size: number, granule: number): void {
  const { memory } = dev.context;
  const head = lowBits(slot, granule - 1);
  const end = slot + size;
  if (head !== 0) memory.fill(slot - head, head);
  const tail = roundUp(end, granule) - end;
  if (tail !== 0) memory.fill(end, tail);
}

/** Gives a bounce slot back, with the copy unless `DMA_ATTR_SKIP_CPU_SYNC`; the release copies here (spec T12). */
export function releaseIfBounced(dev: Device, phys: number, size: number, dir: number, attrs: number): void {
  const mem = dev.ioTlbMem;
  if (mem !== null && mem.findPool(phys) !== null) mem.tblUnmapSingle(dev, phys, size, dir, attrs);
}

/** Cache maintenance of this call comes before the device looks. */
export function cleanForDevice(dev: Device, phys: number, size: number, dir: number, attrs: number): void {
  if (!dev.coherent && (attrs & DMA_ATTR_SKIP_CPU_SYNC) === 0) dev.context.cache?.forDevice(phys, size, dir);
}

/** And before the CPU looks. */
export function invalidateForCpu(dev: Device, phys: number, size: number, dir: number, attrs: number): void {
  if (!dev.coherent && (attrs & DMA_ATTR_SKIP_CPU_SYNC) === 0) dev.context.cache?.forCpu(phys, size, dir);
}
