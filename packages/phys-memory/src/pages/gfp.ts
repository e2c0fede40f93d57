import { PageError } from './page-error.ts';
import { type ZoneLimits, ZoneType } from './zone-layout.ts';

/** Flags of a page allocation, by their kernel names; the values are ours. */
export const GFP_KERNEL = 0;
export const GFP_DMA = 1 << 0;
export const GFP_HIGHMEM = 1 << 1;
export const GFP_DMA32 = 1 << 2;
export const GFP_MOVABLE = 1 << 3;
/** Clear all bytes. */
export const GFP_ZERO = 1 << 4;
/** One object of several pages: first page Head, the others Tail. */
export const GFP_COMP = 1 << 5;

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
