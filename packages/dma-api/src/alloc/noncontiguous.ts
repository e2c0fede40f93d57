import { type DmaAddr, PAGE_SIZE } from '@dmalab/phys-memory';
import { EventKind } from '@dmalab/trace';
import type { Device } from '../device/device.ts';
import { Scatterlist, SgEntry, type SgTable, sgPhys } from '../sg/scatterlist.ts';
import { DMA_ATTR_ALLOC_SINGLE_PAGES } from '../types/attrs.ts';
import { ENXIO } from '../types/errno.ts';
import { __GFP_COMP, gfpText } from '../types/gfp.ts';
import { allocPagesQuietly, freePagesQuietly } from './alloc-pages.ts';
import { pageAlign } from './dma-memory.ts';
import { allocMappedPages, contiguousRuns, freeBlocks, type PageBlock } from './iommu-alloc.ts';
import type { KernelPointer } from './kernel-space.ts';

/** A table of pages that the device sees as one segment, and what is needed to give them back. */
export interface NoncontiguousTable extends SgTable {
  /** Page by page; empty where one block serves. */
  readonly pages: readonly number[];
  readonly blocks: readonly PageBlock[];
}

/** `dma_alloc_noncontiguous` (spec D65): pages wherever they are, one DMA segment; null where there are none. */
export function dmaAllocNoncontiguous(
  dev: Device,
  size: number,
  dir: number,
  gfp: number,
  attrs = 0,
): NoncontiguousTable | null {
  const { ring, debug, log } = dev.context;
  if ((attrs & ~DMA_ATTR_ALLOC_SINGLE_PAGES) !== 0 || (gfp & __GFP_COMP) !== 0) {
    log.warnOnce('dma_alloc_noncontiguous', dev.name, 'dma_alloc_noncontiguous with attributes that it does not take');
    return null; // no trace
  }
  const table = dev.iommu === null ? singleBlock(dev, size, dir, gfp) : scattered(dev, size, dir, gfp, attrs);
  if (table === null) {
    if (ring.on) {
      const flags = ring.intern(gfpText(gfp));
      ring.dmaAlloc(dev.traceId, dir, 0, size, 0, flags, attrs, EventKind.DMA_ALLOC_SGT_ERR);
    }
    return null;
  }
  const [segment] = table.list.entries;
  if (ring.on) {
    const phys = physAddrs(dev, table);
    const flags = ring.intern(gfpText(gfp));
    ring.dmaAllocSgt(dev.traceId, dir, segment.dmaAddress, size, phys, phys.length, flags, attrs);
  }
  debug?.mapSg(dev, table.list, table.origNents, 1, dir, attrs);
  return table;
}

/** `dma_free_noncontiguous`: event and check first (spec D97). */
export function dmaFreeNoncontiguous(dev: Device, size: number, table: NoncontiguousTable, dir: number): void {
  const { ring, debug } = dev.context;
  const [segment] = table.list.entries;
  const phys = physAddrs(dev, table);
  if (ring.on) ring.dmaFreeSgt(dev.traceId, dir, segment.dmaAddress, size, phys, phys.length);
  debug?.unmapSg(dev, table.list, table.origNents, dir, 0);
  if (dev.iommu === null) {
    freePagesQuietly(dev, size, phys[0] as number as KernelPointer, segment.dmaAddress, dir);
    return;
  }
  dev.iommu.unmapRange(segment.dmaAddress, size);
  freeBlocks(dev, table.blocks);
}

/** `dma_vmap_noncontiguous`: the linear address where one block serves. */
export function dmaVmapNoncontiguous(dev: Device, table: NoncontiguousTable): KernelPointer {
  const { kernelSpace } = dev.context;
  if (table.pages.length > 0) return kernelSpace.vmap(table.pages);
  return kernelSpace.linear(physAddrs(dev, table)[0]);
}

/** `dma_vunmap_noncontiguous`. */
export function dmaVunmapNoncontiguous(dev: Device, pointer: KernelPointer): void {
  if (dev.context.kernelSpace.isVmalloc(pointer)) dev.context.kernelSpace.vunmap(pointer);
}

/** `dma_mmap_noncontiguous`, as far as it can fail (spec I59): 0 or -ENXIO. */
export function dmaMmapNoncontiguous(size: number, pageOffset: number, pageCount: number): number {
  const pages = pageAlign(size) / PAGE_SIZE;
  return pageOffset < pages && pageCount <= pages - pageOffset ? 0 : ENXIO;
}

/** One `dma_alloc_pages` block whose own event is suppressed. */
function singleBlock(dev: Device, size: number, dir: number, gfp: number): NoncontiguousTable | null {
  const memory = allocPagesQuietly(dev, size, dir, gfp);
  if (!memory) return null;
  const entry = new SgEntry(dev.context.conversions.virtToPage(memory.cpuAddr), 0, pageAlign(size));
  entry.dmaAddress = memory.dmaAddr;
  entry.dmaLength = pageAlign(size);
  return { list: new Scatterlist([entry]), origNents: 1, nents: 1, pages: [], blocks: [] };
}

/** Pages as spec I56 picks them; the CPU side has one entry a run, the DMA side one in all. */
function scattered(dev: Device, size: number, dir: number, gfp: number, attrs: number): NoncontiguousTable | null {
  const mapped = allocMappedPages(dev, size, dir, gfp, attrs);
  if (mapped === null) return null;
  const { conversions } = dev.context;
  const entries = contiguousRuns(mapped.pages).map((run) => new SgEntry(conversions.virtToPage(run.phys), 0, run.size));
  entries[0].dmaAddress = mapped.address as DmaAddr;
  entries[0].dmaLength = pageAlign(size);
  const { pages, blocks } = mapped;
  return { list: new Scatterlist(entries), origNents: entries.length, nents: 1, pages, blocks };
}

function physAddrs(dev: Device, table: NoncontiguousTable): number[] {
  return table.list.entries.map((entry) => sgPhys(dev.context.conversions, entry));
}
