import { DMA_MAPPING_ERROR, type DmaAddr, PAGE_SIZE } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { dmaInfoToProt } from '../dma-iommu/prot.ts';
import { DMA_ATTR_ALLOC_CC_SHARED, DMA_ATTR_ALLOC_SINGLE_PAGES, DMA_ATTR_FORCE_CONTIGUOUS } from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL } from '../types/direction.ts';
import { __GFP_NORETRY, __GFP_ZERO, allowsBlocking } from '../types/gfp.ts';
import { pageList } from './direct-alloc.ts';
import { type DmaMemory, orderOf, pageAlign } from './dma-memory.ts';
import type { KernelPointer } from './kernel-space.ts';
import { allocContiguous, freeContiguous } from './sources/direct-pages.ts';

/** A block as the page source handed it out. The kernel splits it into pages; here it goes back whole. */
export interface PageBlock {
  readonly phys: number;
  readonly order: number;
}

/** Pages of one allocation, in order, and the IOVA range that shows them to the device. */
export interface MappedPages {
  readonly pages: readonly number[];
  readonly blocks: readonly PageBlock[];
  readonly address: DmaAddr;
}

/** `iommu_dma_alloc` (spec D62, I54). */
export function iommuDmaAlloc(dev: Device, wantedSize: number, gfp: number, attrs: number): DmaMemory | null {
  if ((attrs & DMA_ATTR_ALLOC_CC_SHARED) !== 0) return null;
  if (allowsBlocking(gfp) && (attrs & DMA_ATTR_FORCE_CONTIGUOUS) === 0)
    return allocRemapped(dev, wantedSize, gfp, attrs);
  const size = pageAlign(wantedSize);
  const phys = contiguousPages(dev, size, gfp);
  if (phys < 0) return null;
  dev.context.memory.fill(phys, size);
  const prot = dmaInfoToProt(dev, DMA_BIDIRECTIONAL, attrs);
  const address = dev.iommu!.mapRange(dev, phys, size, prot, dev.coherentDmaMask);
  if (address === DMA_MAPPING_ERROR) {
    freePagesAt(dev, phys, size);
    return null;
  }
  return { cpuAddr: dev.context.kernelSpace.linear(phys), dmaAddr: address as DmaAddr };
}

/** `iommu_dma_free` (spec I58): the range goes as the domain's mode says, the memory at once (spec I230). */
export function iommuDmaFree(dev: Device, size: number, cpuAddr: KernelPointer, dmaAddr: DmaAddr): void {
  const { kernelSpace } = dev.context;
  dev.iommu!.unmapRange(dmaAddr, size);
  if (!kernelSpace.isVmalloc(cpuAddr)) {
    freePagesAt(dev, cpuAddr, pageAlign(size));
    return;
  }
  kernelSpace.vunmap(cpuAddr);
  freeBlocks(dev, dev.context.remappedBlocks.get(cpuAddr) ?? []);
  dev.context.remappedBlocks.delete(cpuAddr);
}

/** `iommu_dma_alloc_remap`: pages picked one by one behind one IOVA range and one kernel range. */
function allocRemapped(dev: Device, size: number, gfp: number, attrs: number): DmaMemory | null {
  const mapped = allocMappedPages(dev, size, DMA_BIDIRECTIONAL, gfp | __GFP_ZERO, attrs);
  if (mapped === null) return null;
  const cpuAddr = dev.context.kernelSpace.vmap(mapped.pages);
  dev.context.remappedBlocks.set(cpuAddr, mapped.blocks);
  return { cpuAddr, dmaAddr: mapped.address };
}

/**
 * `__iommu_dma_alloc_noncontiguous` (spec I56): pages first, then the IOVA under the coherent mask, then one map for each
 * physically contiguous run. Any shortfall undoes all.
 */
export function allocMappedPages(
  dev: Device,
  wantedSize: number,
  dir: number,
  gfp: number,
  attrs: number,
): MappedPages | null {
  const domain = dev.iommu!;
  const size = pageAlign(wantedSize);
  const blocks = pickPages(dev, size / PAGE_SIZE, gfp, attrs);
  if (blocks === null) return null;
  const iova = domain.allocIova(dev, size, dev.coherentDmaMask);
  if (iova === 0) return freeBlocks(dev, blocks);
  const pages = blocks.flatMap(({ phys, order }) => pageList(phys, PAGE_SIZE * 2 ** order));
  const prot = dmaInfoToProt(dev, dir, attrs);
  let at = iova;
  for (const { phys, size: bytes } of contiguousRuns(pages)) {
    if (domain.linkRange(at, phys, bytes, prot) !== 0) {
      if (at > iova) domain.unlinkRange(iova, at - iova);
      domain.freeIova(iova, size);
      return freeBlocks(dev, blocks);
    }
    at += bytes;
  }
  domain.syncRange(iova, size);
  for (const page of pages) dev.context.memory.fill(page, PAGE_SIZE);
  return { pages, blocks, address: iova as DmaAddr };
}

/** Adjacent pages merged, as the scatterlist that is mapped has them (spec I56). */
export function contiguousRuns(pages: readonly number[]): { phys: number; size: number }[] {
  const runs: { phys: number; size: number }[] = [];
  for (const page of pages) {
    const last = runs.at(-1);
    if (last !== undefined && last.phys + last.size === page) last.size += PAGE_SIZE;
    else runs.push({ phys: page, size: PAGE_SIZE });
  }
  return runs;
}

/** `__iommu_dma_alloc_pages` (spec I57): largest allowed order first; an order that failed is not tried again. */
function pickPages(dev: Device, count: number, gfp: number, attrs: number): PageBlock[] | null {
  const { pageSource } = dev.context;
  const blocks: PageBlock[] = [];
  let orders = (attrs & DMA_ATTR_ALLOC_SINGLE_PAGES) !== 0 ? [0] : allowedOrders(dev);
  for (let missing = count; missing > 0; ) {
    orders = orders.filter((order) => 2 ** order <= missing);
    const order = orders.at(-1);
    if (order === undefined) return freeBlocks(dev, blocks);
    const flags = order === orders[0] ? gfp : gfp | __GFP_NORETRY;
    const phys = pageSource?.allocPages(flags & ~__GFP_ZERO, order, dev.node) ?? -1;
    if (phys < 0) {
      orders.pop();
      continue;
    }
    blocks.push({ phys, order });
    missing -= 2 ** order;
  }
  return blocks;
}

/** Ascending: the IOMMU page sizes in units of a CPU page, up to the largest buddy order. */
function allowedOrders(dev: Device): number[] {
  const sizes = dev.iommu!.paging.pageSizes / PAGE_SIZE;
  const orders: number[] = [];
  for (let order = 0; order <= dev.context.options.maxPageOrder; order++) {
    if (Math.floor(sizes / 2 ** order) % 2 === 1) orders.push(order);
  }
  return orders;
}

/** Always null, so that a failing allocation can end with it. */
export function freeBlocks(dev: Device, blocks: readonly PageBlock[]): null {
  for (const { phys, order } of blocks) dev.context.pageSource?.freePages(phys, order);
  return null;
}

function contiguousPages(dev: Device, size: number, gfp: number): number {
  const { atomicPools, pageSource } = dev.context;
  if (!dev.coherent && !allowsBlocking(gfp)) return atomicPools?.alloc(dev, size, gfp, false) ?? -1;
  const phys = allocContiguous(dev, size, gfp);
  return phys >= 0 ? phys : (pageSource?.allocPages(gfp, orderOf(size), dev.node) ?? -1);
}

function freePagesAt(dev: Device, phys: number, size: number): void {
  const { atomicPools, pageSource } = dev.context;
  if (atomicPools?.free(phys, size) || freeContiguous(dev, phys, size)) return;
  pageSource?.freePages(phys, orderOf(size));
}
