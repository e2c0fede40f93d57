import type { Device } from '../device/device.ts';
import { DMA_TO_DEVICE } from '../types/direction.ts';

const SMALL_BUCKETS = [8, 16, 32, 64, 96, 128, 192, 256];

/**
 * `dma_kmalloc_needs_bounce`: the buffer may share its cache lines with a neighbour, which a non-coherent device's write
 * would destroy. Only the size is looked at, not where the buffer really came from (spec D37).
 */
export function kmallocNeedsBounce(dev: Device, size: number, dir: number): boolean {
  const { bounceUnalignedKmalloc, minAlign, dmaCacheAlignment } = dev.context.options;
  if (!bounceUnalignedKmalloc || dev.coherent || dir === DMA_TO_DEVICE || size >= 2 * minAlign) return false;
  return kmallocBucket(size) % dmaCacheAlignment !== 0;
}

function kmallocBucket(size: number): number {
  return SMALL_BUCKETS.find((bucket) => bucket >= size) ?? 2 ** Math.ceil(Math.log2(size));
}
