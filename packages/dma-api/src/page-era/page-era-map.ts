import { DMA_MAPPING_ERROR, type DmaAddr, PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import { kmsanHandleDma } from '../context/kmsan.ts';
import type { Device } from '../device/device.ts';
import { mapDirect } from '../device/go-direct.ts';
import { directMapPhys, directUnmapPhys } from '../direct/direct-map.ts';
import { dmaCapable, physToDma } from '../direct/translate.ts';
import { iommuDmaMapPhys, iommuDmaUnmapPhys } from '../dma-iommu/iommu-dma-map.ts';
import type { BioVec } from '../map/map-page.ts';
import { DMA_ATTR_CC_SHARED, DMA_ATTR_MMIO, DMA_ATTR_REQUIRE_COHERENT } from '../types/attrs.ts';
import { bugOnDirection, validDmaDirection } from '../types/direction.ts';
import { DmaBugError } from '../types/errors.ts';
import type { Page } from './page-conversions.ts';

/** These attributes came with the physical-address interface; there is nothing for them to do here. */
const NOT_YET = DMA_ATTR_MMIO | DMA_ATTR_REQUIRE_COHERENT | DMA_ATTR_CC_SHARED;

/** `dma_map_page` as it was: page and offset go all the way down to the backend (spec G1). */
export function pageEraMapPage(dev: Device, page: Page, offset: number, size: number, dir: number, attrs = 0): DmaAddr {
  if (!validDmaDirection(dir)) bugOnDirection('dma_map_page', dir);
  if (!dev.hasDmaMask) {
    dev.context.log.warnOnce('dma_map_page mask', dev.name, 'dma_map_page on a device without a DMA mask');
    return DMA_MAPPING_ERROR;
  }
  const address = mapByBackend(dev, page, offset, size, dir, attrs & ~NOT_YET);
  const { conversions, kmsan, ring, pageEraTrace, debug } = dev.context;
  if (kmsan !== null) kmsanHandleDma(kmsan, conversions.pageToVirt(page) + offset, size, dir); // spec G6
  if (ring.on) {
    const phys = conversions.pageToPhys(page) + offset;
    pageEraTrace.map('dma_map_page', dev.name, dir, address, size, phys, attrs);
  }
  if (debug !== null) {
    conversions.pageToVirt(page); // the kernel-text check wants an address (spec G5)
    debug.mapPage(dev, conversions.pageToPhys(page) + offset, size, dir, address, attrs);
  }
  return address as DmaAddr;
}

/** `dma_unmap_page` as it was: not told the source address either (spec G9). */
export function pageEraUnmapPage(dev: Device, address: DmaAddr, size: number, dir: number, attrs = 0): void {
  if (!validDmaDirection(dir)) bugOnDirection('dma_unmap_page', dir);
  if (!dev.hasDmaMask) throw new DmaBugError(`${dev.name}: unmap dereferences a null DMA mask`, { device: dev.name });
  const usable = attrs & ~NOT_YET;
  if (mapDirect(dev) || dev.context.archMapDirect?.unmapPhysDirect(dev, address + size)) {
    directUnmapPhys(dev, address, size, dir, usable);
  } else if (dev.iommu !== null) iommuDmaUnmapPhys(dev, address, size, dir, usable);
  else dev.pageOps?.unmapPage?.(dev, address, size, dir, usable);
  const { ring, pageEraTrace, debug } = dev.context;
  if (ring.on) pageEraTrace.unmap('dma_unmap_page', dev.name, dir, address, size, attrs);
  debug?.unmapPage(dev, address, size, dir, attrs);
}

/** `dma_map_single` as it was (spec G7). */
export function pageEraMapSingle(dev: Device, pointer: KernelPointer, size: number, dir: number, attrs = 0): DmaAddr {
  const { kernelSpace, conversions, log } = dev.context;
  if (kernelSpace.isVmalloc(pointer)) {
    log.warnOnce('dma_map_single vmalloc', dev.name, 'rejecting DMA map of vmalloc memory');
    return DMA_MAPPING_ERROR;
  }
  return pageEraMapPage(dev, conversions.virtToPage(pointer), pointer % PAGE_SIZE, size, dir, attrs);
}

/** `dma_map_bvec` as it was. */
export function pageEraMapBvec(dev: Device, vector: BioVec, dir: number, attrs = 0): DmaAddr {
  return pageEraMapPage(dev, vector.page, vector.offset, vector.length, dir, attrs);
}

/** `dma_map_resource` as it was: a path of its own, the one that takes a physical address (spec G8). */
export function pageEraMapResource(dev: Device, phys: PhysAddr, size: number, dir: number, attrs = 0): DmaAddr {
  if (!validDmaDirection(dir)) bugOnDirection('dma_map_resource', dir);
  const address = resourceByBackend(dev, phys, size, dir, attrs);
  const { ring, pageEraTrace, debug } = dev.context;
  if (ring.on) pageEraTrace.map('dma_map_resource', dev.name, dir, address, size, phys, attrs);
  debug?.mapResource(dev, phys, size, dir, address, attrs);
  return address as DmaAddr;
}

/** `dma_unmap_resource` as it was: direct does nothing. */
export function pageEraUnmapResource(dev: Device, address: DmaAddr, size: number, dir: number, attrs = 0): void {
  if (!validDmaDirection(dir)) bugOnDirection('dma_unmap_resource', dir);
  if (!mapDirect(dev)) {
    if (dev.iommu !== null) iommuDmaUnmapPhys(dev, address, size, dir, attrs | DMA_ATTR_MMIO);
    else dev.pageOps?.unmapResource?.(dev, address, size, dir, attrs);
  }
  const { ring, pageEraTrace, debug } = dev.context;
  if (ring.on) pageEraTrace.unmap('dma_unmap_resource', dev.name, dir, address, size, attrs);
  debug?.unmapResource(dev, address, size, dir, attrs);
}

/** One p->a in direct and dma-iommu each; a platform's callback makes its own (spec G1 to G4). */
function mapByBackend(dev: Device, page: Page, offset: number, size: number, dir: number, attrs: number): number {
  const { conversions, archMapDirect } = dev.context;
  if (mapDirect(dev)) return directMapPage(dev, page, offset, size, dir, attrs);
  if (archMapDirect?.mapPhysDirect(dev, conversions.pageToPhys(page) + offset + size)) {
    return directMapPage(dev, page, offset, size, dir, attrs);
  }
  if (dev.iommu !== null) return iommuDmaMapPhys(dev, conversions.pageToPhys(page) + offset, size, dir, attrs);
  return dev.pageOps?.mapPage(dev, page, offset, size, dir, attrs) ?? DMA_MAPPING_ERROR;
}

/** Spec G2: peer-to-peer pages fail where other memory would bounce. */
function directMapPage(dev: Device, page: Page, offset: number, size: number, dir: number, attrs: number): number {
  const phys = dev.context.conversions.pageToPhys(page) + offset;
  const reachable = !dev.forceBounce && dmaCapable(dev, physToDma(dev, phys, false), size, attrs);
  if (!reachable && dev.context.p2p?.providerOf(phys)) return DMA_MAPPING_ERROR;
  return directMapPhys(dev, phys, size, dir, attrs);
}

/** Spec G8: checked against the mask as not-RAM, and untranslated. */
function resourceByBackend(dev: Device, phys: number, size: number, dir: number, attrs: number): number {
  if (mapDirect(dev)) return dmaCapable(dev, phys, size, DMA_ATTR_CC_SHARED) ? phys : DMA_MAPPING_ERROR;
  if (dev.iommu !== null) return iommuDmaMapPhys(dev, phys, size, dir, attrs | DMA_ATTR_MMIO);
  return dev.pageOps?.mapResource?.(dev, phys, size, dir, attrs) ?? DMA_MAPPING_ERROR;
}
