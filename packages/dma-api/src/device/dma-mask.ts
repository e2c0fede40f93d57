import { PAGE_SIZE } from '@dmalab/phys-memory';
import type { RamRange } from '../context/page-view.ts';
import { directRequiredMask, physToDma } from '../direct/translate.ts';
import { EINVAL, EIO } from '../types/errno.ts';
import { ALL_ONES, minNotZero, roundUp } from '../types/masks.ts';
import type { Device } from './device.ts';
import type { DmaParms } from './device-options.ts';
import { allocDirect, mapDirect } from './go-direct.ts';
import type { DmaRange } from './range-map.ts';

const MASK_32BIT = 0xffffffff;

/** `dma_get_mask` (spec D6). */
export function dmaGetMask(dev: Device): number {
  return (dev.hasDmaMask && dev.dmaMask) || MASK_32BIT;
}

/** `dma_set_mask`: 0 or -EIO; decides anew whether syncs may be skipped (spec D7, D52). */
export function dmaSetMask(dev: Device, mask: number): number {
  if (!dev.hasDmaMask || !dmaSupported(dev, mask)) return EIO;
  dev.dmaMask = mask;
  dev.dmaSkipSync = syncsCanBeSkipped(dev);
  return 0;
}

/** `dma_set_coherent_mask`: leaves skip-sync alone and needs no mask pointer (spec D7). */
export function dmaSetCoherentMask(dev: Device, mask: number): number {
  if (!dmaSupported(dev, mask)) return EIO;
  dev.coherentDmaMask = mask;
  return 0;
}

/** `dma_set_mask_and_coherent`: the second result doesn't count (spec D7). */
export function dmaSetMaskAndCoherent(dev: Device, mask: number): number {
  const error = dmaSetMask(dev, mask);
  if (error === 0) dmaSetCoherentMask(dev, mask);
  return error;
}

/** `dma_coerce_mask_and_coherent`: both masks become one word. */
export function dmaCoerceMaskAndCoherent(dev: Device, mask: number): number {
  dev.pointMaskAtCoherentMask();
  return dmaSetMaskAndCoherent(dev, mask);
}

/** `dma_supported` (spec D8). The bypass flag is ignored here. */
export function dmaSupported(dev: Device, mask: number): boolean {
  const ops = dev.dmaOps;
  if (dev.iommu !== null) {
    if (ops === null) return true;
    dev.context.log.add('warn', 'dma_supported', dev.name, 'a dma-iommu device has a dma_map_ops table too');
    return false;
  }
  if (ops !== null) return ops.dmaSupported?.(dev, mask) ?? true;
  return directSupported(dev, mask);
}

/** `dma_direct_supported`: every address that an allocation could be squeezed into is in reach. */
function directSupported(dev: Device, mask: number): boolean {
  if (mask >= MASK_32BIT) return true;
  const { options, lastRamByte } = dev.context;
  const limit = options.zoneDma ? Math.min(lastRamByte, options.zoneDmaLimit) : lastRamByte;
  const address = physToDma(dev, limit, dev.needsUnencrypted);
  return mask >= (address < 0 ? ALL_ONES : address);
}

/** `dma_setup_need_sync` (spec D52). */
function syncsCanBeSkipped(dev: Device): boolean {
  if (mapDirect(dev) || dev.iommu !== null) return dev.coherent;
  const ops = dev.dmaOps;
  return !(ops?.syncSingleForCpu || ops?.syncSingleForDevice || ops?.syncSgForCpu || ops?.syncSgForDevice);
}

/** `dma_get_required_mask`: the mask that reaches all memory; a dma-iommu device gets by with 32 bits (spec D10, D39). */
export function dmaGetRequiredMask(dev: Device): number {
  if (allocDirect(dev)) return directRequiredMask(dev);
  if (dev.iommu !== null) return MASK_32BIT;
  return dev.dmaOps?.getRequiredMask?.(dev) ?? MASK_32BIT;
}

/** `dma_addressing_limited`: some memory is out of this device's reach (spec D40). */
export function dmaAddressingLimited(dev: Device): boolean {
  if (minNotZero(dmaGetMask(dev), dev.busDmaLimit) < dmaGetRequiredMask(dev)) return true;
  if (dev.dmaOps !== null || dev.iommu !== null) return false;
  const ranges = dev.dmaRangeMap;
  return ranges !== null && !dev.context.ram.every((ram) => rangesCover(ranges, ram));
}

/** Every whole page of that RAM lies in one of the ranges (spec P7: RAM is shrunk to whole pages). */
function rangesCover(ranges: readonly DmaRange[], ram: RamRange): boolean {
  const end = Math.floor((ram.end + 1) / PAGE_SIZE) * PAGE_SIZE;
  for (let at = roundUp(ram.start, PAGE_SIZE); at < end; ) {
    const range = ranges.find(({ cpuStart, size }) => at >= cpuStart && at - cpuStart < size);
    if (range === undefined) return false;
    at = roundUp(range.cpuStart + range.size, PAGE_SIZE);
  }
  return true;
}

/** `dma_direct_set_offset`: a single-range map for buses that see memory at another place (spec D33). */
export function dmaDirectSetOffset(dev: Device, cpuStart: number, dmaStart: number, size: number): number {
  if (dev.dmaRangeMap !== null) {
    dev.context.log.add('error', 'dma_direct_set_offset', dev.name, 'attempt to add DMA range to existing map');
    return EINVAL;
  }
  if (cpuStart !== dmaStart) dev.dmaRangeMap = [{ cpuStart, dmaStart, size }];
  return 0;
}

/** `dma_set_max_seg_size`. Without parameters to set it warns once and does nothing (spec D6). */
export function dmaSetMaxSegSize(dev: Device, maxSegmentSize: number): void {
  setParms(dev, { maxSegmentSize });
}

/** `dma_set_seg_boundary`. */
export function dmaSetSegBoundary(dev: Device, segmentBoundaryMask: number): void {
  setParms(dev, { segmentBoundaryMask });
}

/** `dma_set_min_align_mask`. */
export function dmaSetMinAlignMask(dev: Device, minAlignMask: number): void {
  setParms(dev, { minAlignMask });
}

function setParms(dev: Device, change: Partial<DmaParms>): void {
  if (dev.dmaParms === null) {
    const [field] = Object.keys(change);
    dev.context.log.warnOnce(`dma parms ${field}`, dev.name, `${field} set on a device without DMA parameters`);
    return;
  }
  dev.dmaParms = { ...dev.dmaParms, ...change };
}

/** `dma_get_seg_boundary_nr_pages`: pages of 2^shift bytes up to a boundary; a null device counts as 32 bits (spec D6). */
export function dmaGetSegBoundaryNrPages(dev: Device | null, shift: number): number {
  return Math.floor((dev === null ? MASK_32BIT : dev.segBoundaryMask) / 2 ** shift) + 1;
}
