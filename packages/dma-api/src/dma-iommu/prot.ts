import { IOMMU_CACHE, IOMMU_MMIO, IOMMU_PRIV, IOMMU_READ, IOMMU_WRITE } from '@dmalab/iommu/core';
import type { Device } from '../device/device.ts';
import { DMA_ATTR_MMIO, DMA_ATTR_PRIVILEGED } from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL } from '../types/direction.ts';

/** Indexed by direction; any other direction may do nothing at all (spec I44). */
const ACCESS = new Int32Array([IOMMU_READ | IOMMU_WRITE, IOMMU_READ, IOMMU_WRITE, 0]);

/** Local copies: V8 folds them into the code, and loads imported ones on every use. */
const SNOOPED = IOMMU_CACHE;
const BOTH = IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE;

/** {@link dmaInfoToProt} of a coherent device without attributes: a direction is its access right, but for both at once. */
export function coherentProt(dir: number): number {
  return dir === DMA_BIDIRECTIONAL ? BOTH : dir | SNOOPED;
}

/** `dma_info_to_prot` (spec D19, I44). */
export function dmaInfoToProt(dev: Device, dir: number, attrs: number): number {
  let prot = ACCESS[dir] | 0;
  if ((attrs & DMA_ATTR_MMIO) !== 0) prot |= IOMMU_MMIO;
  else if (dev.coherent) prot |= IOMMU_CACHE;
  if ((attrs & DMA_ATTR_PRIVILEGED) !== 0) prot |= IOMMU_PRIV;
  return prot;
}
