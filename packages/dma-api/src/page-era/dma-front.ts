import { DMA_MAPPING_ERROR, type DmaAddr, PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import type { DmaContext } from '../context/dma-context.ts';
import type { Device } from '../device/device.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { DMA_ATTR_MMIO } from '../types/attrs.ts';
import { pageEraMapPage, pageEraMapResource, pageEraUnmapPage, pageEraUnmapResource } from './page-era-map.ts';

/**
 * The call by which a driver of either era maps one physical vector: the one place where code above this package has to
 * know which interface its machine has.
 */
export interface DmaFront {
  mapVector(dev: Device, phys: PhysAddr, size: number, dir: number, attrs?: number): DmaAddr;
  unmapVector(dev: Device, address: DmaAddr, size: number, dir: number, attrs?: number): void;
}

/** Linux 7.3: the vector as it is. */
export const PHYS_FRONT: DmaFront = { mapVector: dmaMapPhys, unmapVector: dmaUnmapPhys };

/**
 * Linux 6.16: each vector becomes a page again first, one counted a->p (spec G13). MMIO is G8's separate path. RAM without
 * a descriptor can't be expressed (spec G11).
 */
export const PAGE_FRONT: DmaFront = {
  mapVector(dev, phys, size, dir, attrs = 0) {
    if ((attrs & DMA_ATTR_MMIO) !== 0) return pageEraMapResource(dev, phys, size, dir, attrs & ~DMA_ATTR_MMIO);
    if (!dev.context.pages.hasPage(phys)) return DMA_MAPPING_ERROR;
    const page = dev.context.conversions.physToPage(phys);
    return pageEraMapPage(dev, page, phys % PAGE_SIZE, size, dir, attrs);
  },
  unmapVector(dev, address, size, dir, attrs = 0) {
    if ((attrs & DMA_ATTR_MMIO) !== 0) pageEraUnmapResource(dev, address, size, dir, attrs & ~DMA_ATTR_MMIO);
    else pageEraUnmapPage(dev, address, size, dir, attrs);
  },
};

/** The front of that machine's era, behind what the machine put before it. */
export function dmaFront(context: DmaContext): DmaFront {
  return context.wrapFront(context.era === 'phys' ? PHYS_FRONT : PAGE_FRONT);
}
