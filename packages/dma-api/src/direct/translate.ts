import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';
import { plainForm, privateForm, sharedForm } from '../context/encryption.ts';
import type { Device } from '../device/device.ts';
import { inverseByRangeMap, translateByRangeMap } from '../device/range-map.ts';
import { DMA_ATTR_CC_SHARED } from '../types/attrs.ts';
import { ALL_ONES, coveringMask, lastByte } from '../types/masks.ts';

/** `phys_to_dma` or `phys_to_dma_unencrypted`: range map first, encryption bit last (spec D33, P63). */
export function physToDma(dev: Device, phys: number, shared: boolean): number {
  const address = dev.dmaRangeMap === null ? phys : translateByRangeMap(dev.dmaRangeMap, phys);
  if (address === DMA_MAPPING_ERROR) return DMA_MAPPING_ERROR;
  const { encryption } = dev.context;
  return shared ? sharedForm(encryption, address) : privateForm(encryption, address);
}

/** `dma_to_phys`: pure arithmetic, no per-mapping state; all ones (-1) outside every range (spec D21, D33). */
export function dmaToPhys(dev: Device, address: number): number {
  const plain = plainForm(dev.context.encryption, address);
  return dev.dmaRangeMap === null ? plain : inverseByRangeMap(dev.dmaRangeMap, plain);
}

/** `dma_capable` (spec D34): the device can put the whole range on its bus. */
export function dmaCapable(dev: Device, address: number, size: number, attrs: number): boolean {
  if (address === DMA_MAPPING_ERROR) return false;
  if (dev.needsUnencrypted && (attrs & DMA_ATTR_CC_SHARED) === 0) return false;
  return lastByte(address, size) <= dev.streamingLimit;
}

/** `dma_direct_get_required_mask`: covers the last byte of RAM as the device sees it (spec D39). */
export function directRequiredMask(dev: Device): number {
  const last = physToDma(dev, dev.context.lastRamByte, dev.needsUnencrypted);
  return last === DMA_MAPPING_ERROR ? ALL_ONES : coveringMask(last);
}
