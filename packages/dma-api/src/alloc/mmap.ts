import { PAGE_SIZE } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { allocDirect } from '../device/go-direct.ts';
import { Scatterlist, SgEntry, type SgTable } from '../sg/scatterlist.ts';
import { ENXIO } from '../types/errno.ts';
import { type DmaMemory, pageAlign } from './dma-memory.ts';
import { contiguousRuns } from './iommu-alloc.ts';
import type { KernelPointer } from './kernel-space.ts';

/** Pages of a user mapping: where in the buffer it begins and how long it is. */
export interface MmapWindow {
  readonly pageOffset: number;
  readonly pageCount: number;
}

/** `dma_can_mmap` (spec D10). */
export function dmaCanMmap(dev: Device): boolean {
  if (allocDirect(dev)) return dev.coherent || dev.context.options.nonCoherentMmap;
  return dev.iommu !== null || dev.dmaOps?.mmap !== undefined;
}

/** `dma_mmap_attrs` (spec D64, I59): 0 if the window can be mapped, else -ENXIO. */
export function dmaMmapAttrs(dev: Device, memory: DmaMemory, size: number, window: MmapWindow, attrs = 0): number {
  if (dev.dmaMem?.contains(memory.cpuAddr)) return fits(size, window); // per-device pool first (spec D50)
  if (allocDirect(dev)) return dmaCanMmap(dev) ? fits(size, window) : ENXIO;
  if (dev.iommu !== null) return fits(size, window);
  return dev.dmaOps?.mmap?.(dev, memory, size, attrs) ?? ENXIO;
}

/** `dma_mmap_pages` (spec D64). */
export function dmaMmapPages(size: number, window: MmapWindow): number {
  return fits(size, window);
}

/** `dma_get_sgtable` (spec D32): one entry, or one for each contiguous run of a remapped buffer. */
export function dmaGetSgtable(dev: Device, table: SgTable, memory: DmaMemory, size: number, attrs = 0): number {
  if (!allocDirect(dev) && dev.iommu === null) {
    return dev.dmaOps?.getSgtable?.(dev, table, memory, size, attrs) ?? ENXIO;
  }
  table.list = new Scatterlist(runsOf(dev, memory.cpuAddr, pageAlign(size)));
  table.origNents = table.list.entries.length;
  table.nents = table.origNents;
  return 0;
}

function runsOf(dev: Device, pointer: KernelPointer, size: number): SgEntry[] {
  const { kernelSpace, conversions } = dev.context;
  if (!kernelSpace.isVmalloc(pointer)) return [new SgEntry(conversions.virtToPage(pointer), 0, size)];
  const runs = contiguousRuns(kernelSpace.pagesOf(pointer));
  return runs.map((run) => new SgEntry(conversions.virtToPage(run.phys), 0, run.size));
}

function fits(size: number, { pageOffset, pageCount }: MmapWindow): number {
  const pages = pageAlign(size) / PAGE_SIZE;
  return pageOffset < pages && pageCount <= pages - pageOffset ? 0 : ENXIO;
}
