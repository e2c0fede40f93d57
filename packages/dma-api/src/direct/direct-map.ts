import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import {
  DMA_ATTR_CC_SHARED,
  DMA_ATTR_MMIO,
  DMA_ATTR_REQUIRE_COHERENT,
  DMA_ATTR_SKIP_CPU_SYNC,
} from '../types/attrs.ts';
import { isBounceAddress, swiotlbMap } from './bounce.ts';
import { syncPhysForCpu } from './direct-sync.ts';
import { kmallocNeedsBounce } from './kmalloc-bounce.ts';
import { reportOverflow } from './overflow-report.ts';
import { dmaCapable, dmaToPhys, physToDma } from './translate.ts';

const NEVER_BOUNCED = DMA_ATTR_MMIO | DMA_ATTR_REQUIRE_COHERENT;

/** `dma_direct_map_phys` with its completion barrier (spec D17). */
export function directMapPhys(dev: Device, phys: number, size: number, dir: number, attrs: number): number {
  const address = directMapPhysNoBarrier(dev, phys, size, dir, attrs);
  if (address !== DMA_MAPPING_ERROR && needsCacheWork(dev, attrs)) dev.context.cache?.flush();
  return address;
}

/** The same without the barrier, which a list takes once at its end (spec D17 step 6, D28). */
export function directMapPhysNoBarrier(dev: Device, phys: number, size: number, dir: number, attrs: number): number {
  const mmio = (attrs & DMA_ATTR_MMIO) !== 0;
  if (mmio && dev.context.options.hostMemoryEncryption) attrs |= DMA_ATTR_CC_SHARED;
  if (dev.forceBounce) {
    return (attrs & NEVER_BOUNCED) !== 0 ? DMA_MAPPING_ERROR : swiotlbMap(dev, phys, size, dir, attrs);
  }
  const address = physToDma(dev, phys, (attrs & DMA_ATTR_CC_SHARED) !== 0);
  const capable = dmaCapable(dev, address, size, attrs);
  if (mmio ? !capable : !capable || kmallocNeedsBounce(dev, size, dir)) {
    if (dev.swiotlbActive && (attrs & NEVER_BOUNCED) === 0) return swiotlbMap(dev, phys, size, dir, attrs);
    reportOverflow(dev, address, size);
    return DMA_MAPPING_ERROR;
  }
  if (needsCacheWork(dev, attrs)) dev.context.cache?.forDevice(phys, size, dir);
  return address;
}

/** `dma_direct_unmap_phys` with its barrier (spec D18). */
export function directUnmapPhys(dev: Device, address: number, size: number, dir: number, attrs: number): void {
  if (dev.plainUnmap || (attrs & NEVER_BOUNCED) !== 0) return;
  directUnmapPhysNoBarrier(dev, address, size, dir, attrs);
  if (needsCacheWork(dev, attrs)) dev.context.cache?.flush();
}

/**
 * Nobody tells unmap the source address: it follows from the handle by arithmetic, and a bounced buffer's original from
 * the slot (spec D21). The copy back is done by the sync step, so the release copies nothing (spec T12).
 */
export function directUnmapPhysNoBarrier(dev: Device, address: number, size: number, dir: number, attrs: number): void {
  if (dev.plainUnmap || (attrs & NEVER_BOUNCED) !== 0) return;
  const phys = dmaToPhys(dev, address);
  if ((attrs & DMA_ATTR_SKIP_CPU_SYNC) === 0) syncPhysForCpu(dev, phys, size, dir);
  if (isBounceAddress(dev, phys)) {
    dev.ioTlbMem!.tblUnmapSingle(dev, phys, size, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
  }
}

/** Cache maintenance is due for this call (spec D17 step 6). */
function needsCacheWork(dev: Device, attrs: number): boolean {
  return !dev.coherent && (attrs & (DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_MMIO)) === 0;
}
