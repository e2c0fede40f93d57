import { DMA_MAPPING_ERROR, PAGE_SIZE } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { cleanForDevice, iommuMapSwiotlb, releaseIfBounced, useSwiotlb } from '../dma-iommu/iommu-bounce.ts';
import { linkByLane } from '../dma-iommu/page-lane.ts';
import { dmaInfoToProt } from '../dma-iommu/prot.ts';
import { DMA_ATTR_MMIO, DMA_ATTR_REQUIRE_COHERENT } from '../types/attrs.ts';
import { EIO, ENOMEM, EOPNOTSUPP, EPERM } from '../types/errno.ts';
import { lowBits } from '../types/masks.ts';
import { roundToGranule } from './iova-reserve.ts';
import type { DmaIovaState } from './iova-state.ts';
import { dmaIovaUnlink } from './iova-unlink.ts';

/**
 * `dma_iova_link` (spec D73, I83): maps `size` bytes at `phys` to the reserved range at `offset`, without the IOTLB sync that
 * `dma_iova_sync` gives all links at once. 0 or a negative errno. The range is not checked against the reservation.
 */
export function dmaIovaLink(
  dev: Device,
  state: DmaIovaState,
  phys: number,
  offset: number,
  size: number,
  dir: number,
  attrs = 0,
): number {
  const lane = dev.iommuLane;
  if (lane !== null && size === PAGE_SIZE && (attrs & DMA_ATTR_REQUIRE_COHERENT) === 0) {
    if (linkByLane(lane, state.addr + offset, phys, dmaInfoToProt(dev, dir, attrs))) return 0;
  }
  const { granule } = dev.iommu!;
  const pad = lowBits(phys, granule - 1);
  if (pad !== 0 && offset > 0) return refuse(dev, 'dma_iova_link offset', 'unaligned range in the middle', EIO);
  if ((attrs & DMA_ATTR_REQUIRE_COHERENT) !== 0) {
    if (state.bounced) return refuse(dev, 'dma_iova_link bounced', 'coherent link into a bounced range', EOPNOTSUPP);
    if (!dev.coherent) return EOPNOTSUPP;
  }
  if (!dev.plainIommu && useSwiotlb(dev, size, dir) && (pad !== 0 || lowBits(size, granule - 1) !== 0)) {
    if ((attrs & (DMA_ATTR_MMIO | DMA_ATTR_REQUIRE_COHERENT)) !== 0) return EPERM;
    return linkBounced(dev, state, phys, offset, size, dir, attrs);
  }
  return linkInPlace(dev, state.addr + offset, phys, size, dir, attrs);
}

/** `dma_iova_sync` (spec D74): the device may use what was linked in that part; its error is the IOMMU driver's. */
export function dmaIovaSync(dev: Device, state: DmaIovaState, offset: number, size: number): number {
  const domain = dev.iommu!;
  if (!dev.coherent) dev.context.cache?.flush();
  const address = state.addr + offset;
  const pad = lowBits(address, domain.granule - 1);
  return domain.syncRange(address - pad, roundToGranule(size + pad, domain.granule));
}

/** `__dma_iova_link` (spec I84): one `map` event. */
function linkInPlace(dev: Device, address: number, phys: number, size: number, dir: number, attrs: number): number {
  const domain = dev.iommu!;
  const pad = lowBits(phys, domain.granule - 1);
  if (!dev.coherent && (attrs & DMA_ATTR_MMIO) === 0) cleanForDevice(dev, phys, size, dir, attrs);
  const bytes = roundToGranule(size + pad, domain.granule);
  return domain.linkRange(address - pad, phys - pad, bytes, dmaInfoToProt(dev, dir, attrs));
}

/**
 * `iommu_dma_iova_link_swiotlb` (spec I85): only a misaligned head and tail are bounced, each in a slot of its own, and the
 * aligned middle is mapped in place.
 */
function linkBounced(
  dev: Device,
  state: DmaIovaState,
  phys: number,
  offset: number,
  size: number,
  dir: number,
  attrs: number,
): number {
  const { granule } = dev.iommu!;
  const start = lowBits(phys, granule - 1);
  const head = start === 0 ? 0 : Math.min(size, granule - start);
  if (head > 0) {
    const error = linkSlot(dev, state, phys, offset, head, dir, attrs);
    if (error !== 0 || head === size) return error;
  }
  const tail = lowBits(phys + size, granule - 1);
  const middle = size - head - tail;
  let linked = head;
  let error = 0;
  if (middle > 0) {
    error = linkInPlace(dev, state.addr + offset + linked, phys + linked, middle, dir, attrs);
    if (error === 0) linked += middle;
  }
  if (error === 0 && tail > 0) error = linkSlot(dev, state, phys + linked, offset + linked, tail, dir, attrs);
  if (error !== 0 && linked > 0) dmaIovaUnlink(dev, state, offset, linked, dir, attrs);
  return error;
}

/** One granule of the pool at the granule of the address (spec I85); the slot must have kept the offset (spec I86). */
function linkSlot(
  dev: Device,
  state: DmaIovaState,
  phys: number,
  offset: number,
  size: number,
  dir: number,
  attrs: number,
): number {
  const domain = dev.iommu!;
  const pad = lowBits(phys, domain.granule - 1);
  const slot = iommuMapSwiotlb(dev, phys, size, dir, attrs);
  if (slot === DMA_MAPPING_ERROR) return ENOMEM;
  cleanForDevice(dev, slot, size, dir, attrs);
  const bytes = roundToGranule(size + pad, domain.granule);
  const error = domain.linkRange(state.addr + offset - pad, slot - pad, bytes, dmaInfoToProt(dev, dir, attrs));
  if (error !== 0) releaseIfBounced(dev, slot, size, dir, attrs);
  else state.bounced = true;
  return error;
}

function refuse(dev: Device, site: string, text: string, error: number): number {
  dev.context.log.warnOnce(site, dev.name, text);
  return error;
}
