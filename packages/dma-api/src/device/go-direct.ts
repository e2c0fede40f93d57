import { directRequiredMask } from '../direct/translate.ts';
import { minNotZero } from '../types/masks.ts';
import type { Device } from './device.ts';

/** `dma_go_direct` (spec D9). The caller gives the streaming or the coherent mask, which can differ (spec T19). */
export function goDirect(dev: Device, mask: number): boolean {
  if (dev.iommu !== null) return false;
  if (dev.dmaOps === null) return true;
  if (!dev.context.options.dmaOpsBypass || !dev.dmaOpsBypass) return false;
  return minNotZero(mask, dev.busDmaLimit) >= directRequiredMask(dev);
}

/** `dma_map_direct`: the streaming mask decides. */
export function mapDirect(dev: Device): boolean {
  return goDirect(dev, dev.dmaMask);
}

/** `dma_alloc_direct`: the coherent mask decides. */
export function allocDirect(dev: Device): boolean {
  return goDirect(dev, dev.coherentDmaMask);
}
