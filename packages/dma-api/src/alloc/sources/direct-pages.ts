import { ADDRESS_LIMIT, PAGE_SIZE } from '@dmalab/phys-memory';
import type { Device } from '../../device/device.ts';
import { dmaToPhys, physToDma } from '../../direct/translate.ts';
import { __GFP_DMA, __GFP_DMA32, allowsBlocking, GFP_ZONE_MASK } from '../../types/gfp.ts';
import { ALL_ONES, minNotZero } from '../../types/masks.ts';
import { orderOf } from '../dma-memory.ts';
import type { ContiguousArea } from './page-source.ts';

const NOTHING = -1;
const LIMIT_32BIT = 2 ** 32 - 1;
/** CMA aligns to at most 1 MiB (spec D46). */
const CMA_ALIGNMENT_ORDER = 8;

/**
 * `__dma_direct_alloc_pages` (spec D45): CMA, then the buddy allocator, going down a zone only when pages came back where
 * the device can't reach; a plain failure ends the search (spec T21).
 *
 * @param size a page multiple
 * @returns physical address, or -1
 */
export function directAllocPages(dev: Device, size: number, gfp: number, allowHighMemory: boolean): number {
  const { pageSource, options, pages } = dev.context;
  const limit = physLimit(dev);
  gfp |= zoneFlagFor(dev, limit);
  const contiguous = allocContiguous(dev, size, gfp);
  if (contiguous !== NOTHING) {
    if (coherentOk(dev, contiguous, size) && (allowHighMemory || !pages.isHighMemory(contiguous))) return contiguous;
    freeContiguous(dev, contiguous, size);
  }
  if (pageSource === null) return NOTHING;
  for (;;) {
    const phys = pageSource.allocPages(gfp, orderOf(size), dev.node);
    if (phys === NOTHING || coherentOk(dev, phys, size)) return phys;
    pageSource.freePages(phys, orderOf(size));
    if (options.zoneDma32 && limit < ALL_ONES && (gfp & (__GFP_DMA | __GFP_DMA32)) === 0) gfp |= __GFP_DMA32;
    else if (options.zoneDma && (gfp & __GFP_DMA) === 0) gfp = (gfp & ~__GFP_DMA32) | __GFP_DMA;
    else return NOTHING;
  }
}

/** Gives pages back to the area they came from, else to the buddy allocator (spec D46, D48). */
export function directFreePages(dev: Device, phys: number, size: number): void {
  if (!freeContiguous(dev, phys, size)) dev.context.pageSource?.freePages(phys, orderOf(size));
}

/** `dma_coherent_ok`: first byte translates, last byte is within the coherent mask and the bus limit (spec D45). */
export function coherentOk(dev: Device, phys: number, size: number): boolean {
  const address = physToDma(dev, phys, dev.needsUnencrypted);
  return address >= 0 && address + size - 1 <= minNotZero(dev.coherentDmaMask, dev.busDmaLimit);
}

/** The start zone for what the device reaches (spec D45). */
export function zoneFlagFor(dev: Device, limit: number): number {
  const { options } = dev.context;
  if (options.zoneDma && limit <= options.zoneDmaLimit) return __GFP_DMA;
  if (options.zoneDma32 && limit <= LIMIT_32BIT) return __GFP_DMA32;
  return 0;
}

/** The coherent limit as a physical address. */
export function physLimit(dev: Device): number {
  const limit = minNotZero(dev.coherentDmaMask, dev.busDmaLimit);
  if (limit >= ADDRESS_LIMIT) return limit;
  const phys = dmaToPhys(dev, limit);
  return phys < 0 ? ALL_ONES : phys;
}

/** `dma_alloc_contiguous` (spec D46): the device's own area is final; the others serve more than one page. */
export function allocContiguous(dev: Device, size: number, gfp: number): number {
  if (!allowsBlocking(gfp)) return NOTHING;
  const count = size / PAGE_SIZE;
  const align = Math.min(orderOf(size), CMA_ALIGNMENT_ORDER);
  if (dev.cmaArea !== null) return dev.cmaArea.alloc(count, align);
  if (count <= 1) return NOTHING;
  const nodeArea = (gfp & GFP_ZONE_MASK) === 0 ? nodeAreaOf(dev) : null;
  const phys = nodeArea?.alloc(count, align) ?? NOTHING;
  return phys !== NOTHING ? phys : (dev.context.cma.default?.alloc(count, align) ?? NOTHING);
}

/** False if the pages came from none of the areas. */
export function freeContiguous(dev: Device, phys: number, size: number): boolean {
  const count = size / PAGE_SIZE;
  if (dev.cmaArea !== null) return dev.cmaArea.release(phys, count);
  return (nodeAreaOf(dev)?.release(phys, count) || dev.context.cma.default?.release(phys, count)) ?? false;
}

function nodeAreaOf(dev: Device): ContiguousArea | null {
  const { options, cma } = dev.context;
  return options.numaCma && dev.node >= 0 ? (cma.perNode[dev.node] ?? null) : null;
}
