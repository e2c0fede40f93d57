import { DMA_MAPPING_ERROR, type DmaAddr, PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import type { Device } from '../device/device.ts';
import type { Page } from '../page-era/page-conversions.ts';
import { DMA_ATTR_MMIO } from '../types/attrs.ts';
import { dmaMapPhys, dmaUnmapPhys } from './map-phys.ts';

/** One vector of a block request (spec D15). */
export interface BioVec {
  readonly page: Page;
  readonly offset: number;
  readonly length: number;
}

/** `dma_map_page_attrs`: a wrapper in 7.3; the offset may exceed a page (spec D15). MMIO has no page to name it by. */
export function dmaMapPage(dev: Device, page: Page, offset: number, size: number, dir: number, attrs = 0): DmaAddr {
  if ((attrs & DMA_ATTR_MMIO) !== 0) return DMA_MAPPING_ERROR; // silently (spec T5)
  const { conversions, options, pages, log } = dev.context;
  const base = conversions.pageToPhys(page);
  if (options.dmaApiDebug && pages.isZoneDevice(base)) {
    log.warnOnce('dma_map_page zone device', dev.name, 'dma_map_page of a device memory page');
    return DMA_MAPPING_ERROR; // spec T31
  }
  return dmaMapPhys(dev, (base + offset) as PhysAddr, size, dir, attrs);
}

/** `dma_unmap_page_attrs`: MMIO returns silently (spec D15). */
export function dmaUnmapPage(dev: Device, address: DmaAddr, size: number, dir: number, attrs = 0): void {
  if ((attrs & DMA_ATTR_MMIO) === 0) dmaUnmapPhys(dev, address, size, dir, attrs);
}

/** `dma_map_single_attrs`: a buffer by its kernel address, which must be in the linear map (spec D15). */
export function dmaMapSingle(dev: Device, pointer: KernelPointer, size: number, dir: number, attrs = 0): DmaAddr {
  const { kernelSpace, conversions, log, debug } = dev.context;
  if (kernelSpace.isVmalloc(pointer)) {
    log.warnOnce('dma_map_single vmalloc', dev.name, 'rejecting DMA map of vmalloc memory');
    return DMA_MAPPING_ERROR;
  }
  debug?.checkMapSingle(dev, pointer, size);
  return dmaMapPage(dev, conversions.virtToPage(pointer), pointer % PAGE_SIZE, size, dir, attrs);
}

/** `dma_unmap_single_attrs`. */
export function dmaUnmapSingle(dev: Device, address: DmaAddr, size: number, dir: number, attrs = 0): void {
  dmaUnmapPage(dev, address, size, dir, attrs);
}

/** `dma_map_bvec`. */
export function dmaMapBvec(dev: Device, vector: BioVec, dir: number, attrs = 0): DmaAddr {
  return dmaMapPage(dev, vector.page, vector.offset, vector.length, dir, attrs);
}

/** `dma_map_resource`: MMIO by physical address; it shows in the trace as `dma_map_phys` with `attrs=MMIO` (spec D15). */
export function dmaMapResource(dev: Device, phys: PhysAddr, size: number, dir: number, attrs = 0): DmaAddr {
  return dmaMapPhys(dev, phys, size, dir, attrs | DMA_ATTR_MMIO);
}

/** `dma_unmap_resource`. */
export function dmaUnmapResource(dev: Device, address: DmaAddr, size: number, dir: number, attrs = 0): void {
  dmaUnmapPhys(dev, address, size, dir, attrs | DMA_ATTR_MMIO);
}

/** `dma_mapping_error`: -ENOMEM for the failure value, else 0; tells dma-debug that the caller looked (spec D2). */
export function dmaMappingError(dev: Device, address: DmaAddr): number {
  if (dev.debug !== null) dev.debug.mappingError(dev, address);
  return address === DMA_MAPPING_ERROR ? -12 : 0;
}
