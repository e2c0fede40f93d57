import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { DMA_ATTR_CC_SHARED, DMA_ATTR_SKIP_CPU_SYNC } from '../types/attrs.ts';
import { hex } from '../types/hex.ts';
import { dmaCapable, physToDma } from './translate.ts';

/**
 * `swiotlb_map`: a bounce slot in place of the buffer, and the slot's address for the device (spec D35). Getting the slot
 * ends skip-sync until the next dma_set_mask, whatever becomes of the slot (spec D53).
 */
export function swiotlbMap(dev: Device, phys: number, size: number, dir: number, attrs: number): number {
  traceBounce(dev, physToDma(dev, phys, false), size); // before it is known whether a slot exists
  const mem = dev.ioTlbMem!;
  const slot = mem.tblMapSingle(dev, phys, size, 0, dir, attrs, dev.context.kernel.cpu);
  if (slot === DMA_MAPPING_ERROR) return DMA_MAPPING_ERROR;
  // The pool decides the encryption form, not the caller (spec S103).
  const shared = mem.findPool(slot)!.shared;
  const slotAttrs = shared ? attrs | DMA_ATTR_CC_SHARED : attrs & ~DMA_ATTR_CC_SHARED;
  const address = physToDma(dev, slot, shared);
  if (!dmaCapable(dev, address, size, slotAttrs)) {
    mem.tblUnmapSingle(dev, slot, size, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
    reportPoolOutOfReach(dev, address, size);
    return DMA_MAPPING_ERROR;
  }
  if (!dev.coherent && (attrs & DMA_ATTR_SKIP_CPU_SYNC) === 0) dev.context.cache?.forDevice(slot, size, dir);
  return address;
}

/** `swiotlb_bounced`; the address is the original buffer's, as the device or as the CPU sees it (spec S97). */
export function traceBounce(dev: Device, address: number, size: number): void {
  const { ring } = dev.context;
  if (ring.on) ring.swiotlbBounced(dev.traceId, dev.dmaMask, address, size, dev.forceBounce);
}

function reportPoolOutOfReach(dev: Device, address: number, size: number): void {
  const limits = `mask ${hex(dev.dmaMask)}, bus limit ${hex(dev.busDmaLimit)}`;
  dev.context.log.warnOnce(
    'swiotlb overflow',
    dev.name,
    `swiotlb addr 0x${hex(address)}+${size} overflow (${limits}).`,
  );
}

/** `is_swiotlb_buffer`: by range alone, whether or not a mapping is live there (spec D36). */
export function isBounceAddress(dev: Device, phys: number): boolean {
  const mem = dev.ioTlbMem;
  return mem !== null && mem.findPool(phys) !== null;
}
