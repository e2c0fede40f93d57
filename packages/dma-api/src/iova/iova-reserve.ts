import type { Device } from '../device/device.ts';
import { lowBits } from '../types/masks.ts';
import type { DmaIovaState } from './iova-state.ts';

/** From here up a size word carries flags (spec D71). */
const SIZE_FLAG = 2 ** 63;

/**
 * `dma_iova_try_alloc` (spec D72, I82): reserves IOVA for `size` bytes, of which only the in-granule offset of `phys` counts.
 * False sends the caller back to one `dma_map_phys` a range; no event is emitted either way.
 */
export function dmaIovaTryAlloc(dev: Device, state: DmaIovaState, phys: number, size: number): boolean {
  state.clear();
  const domain = dev.iommu;
  if (domain === null) return false;
  if (!(size > 0 && size < SIZE_FLAG)) return refuseSize(dev, size);
  const offset = lowBits(phys, domain.granule - 1);
  const iova = domain.allocIova(dev, roundToGranule(size + offset, domain.granule), dev.dmaMask);
  if (iova === 0) return false;
  state.addr = iova + offset;
  state.size = size;
  return true;
}

/** `dma_iova_free`: the whole range, reusable at once, in a lazy domain too (spec D76, I89, I91). */
export function dmaIovaFree(dev: Device, state: DmaIovaState): void {
  const domain = dev.iommu!;
  const offset = lowBits(state.addr, domain.granule - 1);
  domain.freeIova(state.addr - offset, roundToGranule(state.size + offset, domain.granule));
}

/** A granule is a power of two of at most 2^30, so the remainder is one `&` (plain form: `Math.ceil(bytes / granule) * granule`). */
export function roundToGranule(bytes: number, granule: number): number {
  const rest = lowBits(bytes, granule - 1);
  return rest === 0 ? bytes : bytes - rest + granule;
}

function refuseSize(dev: Device, size: number): false {
  dev.context.log.warnOnce('dma_iova_try_alloc size', dev.name, `dma_iova_try_alloc of ${size} bytes`);
  return false;
}
