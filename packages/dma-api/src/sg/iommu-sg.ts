import { DMA_MAPPING_ERROR, type DmaAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { kmallocNeedsBounce } from '../direct/kmalloc-bounce.ts';
import { iommuDmaMapPhys, iommuDmaUnmapPhys } from '../dma-iommu/iommu-dma-map.ts';
import { iommuDmaSyncForCpu, iommuDmaSyncForDevice } from '../dma-iommu/iommu-dma-sync.ts';
import { dmaInfoToProt } from '../dma-iommu/prot.ts';
import { DMA_ATTR_SKIP_CPU_SYNC } from '../types/attrs.ts';
import { EINVAL, EIO, ENOMEM, EREMOTEIO } from '../types/errno.ts';
import { clearDmaSide, contiguousRuns, finalise, layOut, type SgLayout } from './iommu-sg-layout.ts';
import { type Scatterlist, sgPhys } from './scatterlist.ts';

/**
 * `iommu_dma_map_sg` (spec D31, I61 to I67): one IOVA range for all entries, joined into as few segments as the device's
 * limits allow. Returns the segments, or -ENOMEM, -EREMOTEIO, or -EINVAL for every other failure.
 */
export function iommuDmaMapSg(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): number {
  if (bouncesEntries(dev, list, nents, dir)) return mapEntryByEntry(dev, list, nents, dir, attrs);
  cleanList(dev, list, nents, dir, attrs);
  const layout = layOut(dev, list, nents);
  if (typeof layout === 'number') return fail(list, nents, layout);
  if (layout.bytes === 0) return finalise(dev, list, layout, 0); // bus addresses only
  const iova = mapLayout(dev, list, layout, dmaInfoToProt(dev, dir, attrs));
  return iova < 0 ? fail(list, nents, iova) : finalise(dev, list, layout, iova);
}

function fail(list: Scatterlist, nents: number, error: number): number {
  clearDmaSide(list, nents);
  return error === ENOMEM || error === EREMOTEIO ? error : EINVAL;
}

/** `iommu_dma_unmap_sg` (spec I70): one unmap from the first to the last segment that took IOVA. */
export function iommuDmaUnmapSg(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): void {
  if (list.swiotlb) {
    for (const { dmaAddress, dmaLength } of list.entries.slice(0, nents)) {
      iommuDmaUnmapPhys(dev, dmaAddress, dmaLength, dir, attrs);
    }
    return;
  }
  if ((attrs & DMA_ATTR_SKIP_CPU_SYNC) === 0) invalidateList(dev, list, nents, dir);
  let start = -1;
  let end = 0;
  for (let i = 0; i < nents && list.entries[i].dmaLength !== 0; i++) {
    const entry = list.entries[i];
    if (entry.busAddress) {
      entry.busAddress = false;
      continue;
    }
    if (start < 0) start = entry.dmaAddress;
    end = entry.dmaAddress + entry.dmaLength;
  }
  if (start >= 0) dev.iommu!.unmapRange(start, end - start);
}

/** List syncs: entry by entry if the list was bounced, else caches only (spec D57). */
export function iommuDmaSyncSgForCpu(dev: Device, list: Scatterlist, nents: number, dir: number): void {
  if (!list.swiotlb) invalidateList(dev, list, nents, dir);
  else for (const e of list.entries.slice(0, nents)) iommuDmaSyncForCpu(dev, e.dmaAddress, e.length, dir);
}

export function iommuDmaSyncSgForDevice(dev: Device, list: Scatterlist, nents: number, dir: number): void {
  if (!list.swiotlb) cleanList(dev, list, nents, dir, 0);
  else for (const e of list.entries.slice(0, nents)) iommuDmaSyncForDevice(dev, e.dmaAddress, e.length, dir);
}

/** An untrusted device, or one small kmalloc buffer, takes the whole list down the bounce path (spec I61). */
function bouncesEntries(dev: Device, list: Scatterlist, nents: number, dir: number): boolean {
  if (dev.plainIommu) return false;
  return dev.untrusted || list.entries.slice(0, nents).some(({ length }) => kmallocNeedsBounce(dev, length, dir));
}

/** `iommu_dma_map_sg_swiotlb` (spec I69): an IOVA for each entry, no joining. */
function mapEntryByEntry(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): number {
  list.swiotlb = true;
  for (let i = 0; i < nents; i++) {
    const entry = list.entries[i];
    const phys = sgPhys(dev.context.conversions, entry);
    const address = iommuDmaMapPhys(dev, phys, entry.length, dir, attrs);
    if (address === DMA_MAPPING_ERROR) {
      iommuDmaUnmapSg(dev, list, i, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
      return EIO;
    }
    entry.dmaAddress = address as DmaAddr;
    entry.dmaLength = entry.length;
  }
  return nents;
}

/** `iommu_map_sg` into a fresh range (spec I65, I158): the range, -ENOMEM, or another negative errno. */
function mapLayout(dev: Device, list: Scatterlist, layout: SgLayout, prot: number): number {
  const domain = dev.iommu!;
  const iova = domain.allocIova(dev, layout.bytes, dev.dmaMask);
  if (iova === 0) return ENOMEM;
  let at = iova;
  let error = 0;
  for (const { phys, bytes } of contiguousRuns(dev, list, layout)) {
    error = domain.linkRange(at, phys, bytes, prot);
    if (error !== 0) break;
    at += bytes;
  }
  if (error === 0) error = domain.syncRange(iova, layout.bytes);
  if (error === 0) return iova;
  if (at > iova) domain.unlinkRange(iova, at - iova);
  domain.freeIova(iova, layout.bytes);
  return error;
}

/** Cache maintenance goes by the CPU side, whose addresses need no walk. */
function cleanList(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): void {
  const { cache, conversions } = dev.context;
  if (dev.coherent || cache === null || (attrs & DMA_ATTR_SKIP_CPU_SYNC) !== 0) return;
  for (const entry of list.entries.slice(0, nents)) cache.forDevice(sgPhys(conversions, entry), entry.length, dir);
  cache.flush();
}

function invalidateList(dev: Device, list: Scatterlist, nents: number, dir: number): void {
  const { cache, conversions } = dev.context;
  if (dev.coherent || cache === null) return;
  for (const entry of list.entries.slice(0, nents)) cache.forCpu(sgPhys(conversions, entry), entry.length, dir);
  cache.flush();
}
