import { PageError } from './page-error.ts';
import { type ZoneLimits, ZoneType } from './zone-layout.ts';

/**
 * The flags of a page allocation that change which pages it gets, by their kernel names; the bit values are this
 * model's own. All other flags are ignored here: nothing sleeps and nothing is reclaimed.
 */
export const GFP_DMA = 0x1;
export const GFP_HIGHMEM = 0x2;
export const GFP_DMA32 = 0x4;
/** Clear all bytes. */
export const GFP_ZERO = 0x8;
/** One object of several pages: first page Head, the others Tail. */
export const GFP_COMP = 0x20;
export const GFP_MOVABLE = 0x1000;
/** An ordinary allocation of the kernel: none of the above. */
export const GFP_KERNEL = 0;

/** The highest zone that the flags allow (spec P29). @throws {PageError} when they name two */
export function highestZone(gfp: number, limits: ZoneLimits): number {
  const wanted = gfp & (GFP_DMA | GFP_DMA32);
  if (wanted === (GFP_DMA | GFP_DMA32))
    throw new PageError('ERR_GFP_FLAGS', -1, 'GFP_DMA and GFP_DMA32 exclude each other');
  if (wanted === GFP_DMA) return limits.dmaEnd === null ? ZoneType.NORMAL : ZoneType.DMA;
  if (wanted === GFP_DMA32) return limits.dma32End === null ? ZoneType.NORMAL : ZoneType.DMA32;
  if ((gfp & GFP_HIGHMEM) === 0) return ZoneType.NORMAL;
  if ((gfp & GFP_MOVABLE) !== 0) return ZoneType.MOVABLE;
  return limits.normalEnd === null ? ZoneType.NORMAL : ZoneType.HIGHMEM;
}
