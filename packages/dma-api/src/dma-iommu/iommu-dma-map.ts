import { DMA_MAPPING_ERROR } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { DMA_ATTR_MMIO, DMA_ATTR_REQUIRE_COHERENT } from '../types/attrs.ts';
import { hex } from '../types/hex.ts';
import {
  cleanForDevice,
  invalidateForCpu,
  iommuMapSwiotlb,
  isUnaligned,
  releaseIfBounced,
  useSwiotlb,
} from './iommu-bounce.ts';
import { mapByLane, unmapByLane } from './page-lane.ts';
import { dmaInfoToProt } from './prot.ts';

const NEVER_BOUNCED = DMA_ATTR_MMIO | DMA_ATTR_REQUIRE_COHERENT;

/** `iommu_dma_map_phys` (spec D19, I48): one IOVA range for the granules that the buffer touches. */
export function iommuDmaMapPhys(dev: Device, phys: number, size: number, dir: number, attrs: number): number {
  const prot = dmaInfoToProt(dev, dir, attrs);
  const lane = dev.iommuLane;
  if (lane !== null && size > 0) {
    const address = mapByLane(lane, phys, size, prot);
    if (address !== 0) return address;
  }
  if (dev.plainIommu) return dev.iommu!.mapRange(dev, phys, size, prot, dev.dmaMask);
  return mapWithBounce(dev, phys, size, dir, attrs, prot);
}

function mapWithBounce(dev: Device, phys: number, size: number, dir: number, attrs: number, prot: number): number {
  const domain = dev.iommu!;
  const mmio = (attrs & DMA_ATTR_MMIO) !== 0;
  let source = phys;
  if (!mmio && useSwiotlb(dev, size, dir) && isUnaligned(domain.granule, phys, size)) {
    if ((attrs & DMA_ATTR_REQUIRE_COHERENT) !== 0) return DMA_MAPPING_ERROR;
    source = iommuMapSwiotlb(dev, phys, size, dir, attrs);
    if (source === DMA_MAPPING_ERROR) return DMA_MAPPING_ERROR;
  }
  if (!mmio) cleanForDevice(dev, source, size, dir, attrs);
  const address = domain.mapRange(dev, source, size, prot, dev.dmaMask);
  if (address === DMA_MAPPING_ERROR && (attrs & NEVER_BOUNCED) === 0) releaseIfBounced(dev, source, size, dir, attrs);
  return address;
}

/**
 * `iommu_dma_unmap_phys` (spec D20, I52). Nobody says where the buffer was: the page table remembers it (spec D21). The
 * walk reads physical address 0 as "not mapped", so that page can only go as MMIO or coherent (spec T16).
 */
export function iommuDmaUnmapPhys(dev: Device, address: number, size: number, dir: number, attrs: number): void {
  const lane = dev.iommuLane;
  if (lane !== null && (attrs & NEVER_BOUNCED) === 0 && unmapByLane(dev, lane, address, size, dir, attrs)) return;
  const domain = dev.iommu!;
  if ((attrs & NEVER_BOUNCED) !== 0) {
    domain.unmapRange(address, size);
    return;
  }
  const phys = domain.iovaToPhys(address);
  if (phys === 0) {
    warnNotMapped(dev, address);
    return;
  }
  if (!dev.coherent) invalidateForCpu(dev, phys, size, dir, attrs);
  domain.unmapRange(address, size);
  releaseIfBounced(dev, phys, size, dir, attrs);
}

function warnNotMapped(dev: Device, address: number): void {
  const text = `WARNING: unmap of ${hex(address)}: the page table has no physical address for it`;
  dev.context.log.add('warn', 'dma-iommu unmap', dev.name, text);
}
