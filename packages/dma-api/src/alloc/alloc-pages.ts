import { DMA_MAPPING_ERROR, type DmaAddr } from '@dmalab/phys-memory';
import { EventKind } from '@dmalab/trace';
import type { Device } from '../device/device.ts';
import { allocDirect } from '../device/go-direct.ts';
import { dmaToPhys, physToDma } from '../direct/translate.ts';
import { iommuDmaMapPhys, iommuDmaUnmapPhys } from '../dma-iommu/iommu-dma-map.ts';
import { mapPhysByTable, unmapPhysByTable } from '../map/map-phys.ts';
import { DMA_ATTR_SKIP_CPU_SYNC } from '../types/attrs.ts';
import { __GFP_COMP, __GFP_ZERO, allowsBlocking, GFP_ZONE_MASK, gfpText } from '../types/gfp.ts';
import { type DmaMemory, orderOf, pageAlign } from './dma-memory.ts';
import type { KernelPointer } from './kernel-space.ts';
import { allocContiguous, directAllocPages, directFreePages, freeContiguous } from './sources/direct-pages.ts';
import { allocRestricted, freeRestricted, hasRestrictedPool } from './sources/restricted-pool.ts';

/** `dma_alloc_pages` (spec D63): pages that are mapped for streaming use; null where there are none. */
export function dmaAllocPages(dev: Device, size: number, dir: number, gfp: number): DmaMemory | null {
  const memory = allocPagesQuietly(dev, size, dir, gfp);
  if (memory === undefined) return null;
  const { ring, debug } = dev.context;
  if (ring.on) {
    const [address, pointer] = [memory?.dmaAddr ?? 0, memory?.cpuAddr ?? 0];
    const flags = ring.intern(gfpText(gfp));
    ring.dmaAlloc(dev.traceId, dir, address, size, pointer, flags, 0, EventKind.DMA_ALLOC_PAGES);
  }
  if (memory !== null) debug?.allocPages(dev, size, dir, memory.cpuAddr, memory.dmaAddr);
  return memory;
}

/** `dma_free_pages`: traces and checks before it acts (spec T6). */
export function dmaFreePages(dev: Device, size: number, cpuAddr: KernelPointer, dmaAddr: DmaAddr, dir: number): void {
  const { ring, debug } = dev.context;
  if (ring.on) ring.dmaFree(dev.traceId, dir, dmaAddr, size, cpuAddr, 0, EventKind.DMA_FREE_PAGES);
  debug?.freePages(dev, size, dir, cpuAddr, dmaAddr);
  freePagesQuietly(dev, size, cpuAddr, dmaAddr, dir);
}

/** `dma_alloc_noncoherent`: the same by its kernel address. */
export function dmaAllocNoncoherent(dev: Device, size: number, dir: number, gfp: number): DmaMemory | null {
  return dmaAllocPages(dev, size, dir, gfp);
}

/** `dma_free_noncoherent`. */
export function dmaFreeNoncoherent(
  dev: Device,
  size: number,
  cpuAddr: KernelPointer,
  dmaAddr: DmaAddr,
  dir: number,
): void {
  dmaFreePages(dev, size, cpuAddr, dmaAddr, dir);
}

/** `__dma_alloc_pages`: without event and dma-debug. Undefined for a request that isn't even traced. */
export function allocPagesQuietly(dev: Device, size: number, dir: number, gfp: number): DmaMemory | null | undefined {
  const { log } = dev.context;
  const refused =
    dev.coherentDmaMask === 0 ? 'mask' : (gfp & GFP_ZONE_MASK) !== 0 ? 'zone' : (gfp & __GFP_COMP) !== 0 ? 'comp' : '';
  if (refused !== '') {
    log.warnOnce(`dma_alloc_pages ${refused}`, dev.name, `dma_alloc_pages with a bad ${refused}`);
    return undefined;
  }
  const bytes = pageAlign(size);
  if (allocDirect(dev)) return directAllocDmaPages(dev, bytes, gfp);
  if (dev.iommu !== null) return allocAndMap(dev, bytes, dir, gfp);
  return dev.dmaOps?.allocPages?.(dev, bytes, dir, gfp) ?? null;
}

/** `__dma_free_pages`. */
export function freePagesQuietly(
  dev: Device,
  size: number,
  cpuAddr: KernelPointer,
  dmaAddr: DmaAddr,
  dir: number,
): void {
  const bytes = pageAlign(size);
  if (allocDirect(dev)) directFreeDmaPages(dev, bytes, cpuAddr, dmaAddr);
  else if (dev.iommu !== null) unmapAndFree(dev, bytes, cpuAddr, dmaAddr, dir);
  else dev.dmaOps?.freePages?.(dev, bytes, cpuAddr, dmaAddr, dir);
}

/** `dma_direct_alloc_pages`: no high memory, always zeroed. */
function directAllocDmaPages(dev: Device, size: number, gfp: number): DmaMemory | null {
  const shared = dev.needsUnencrypted;
  const phys = directSource(dev, size, gfp, shared);
  if (phys < 0) return null;
  dev.context.memory.fill(phys, size);
  return { cpuAddr: dev.context.kernelSpace.linear(phys), dmaAddr: physToDma(dev, phys, shared) as DmaAddr };
}

function directSource(dev: Device, size: number, gfp: number, shared: boolean): number {
  const { atomicPools, sharedMemory } = dev.context;
  if (shared && !allowsBlocking(gfp)) return atomicPools?.alloc(dev, size, gfp, true) ?? -1;
  if (hasRestrictedPool(dev)) return allocRestricted(dev, size, shared);
  const phys = directAllocPages(dev, size, gfp & ~__GFP_ZERO, false);
  if (phys >= 0 && shared && !(sharedMemory?.setDecrypted(phys, size) ?? true)) return -1; // leaked (spec P64)
  return phys;
}

function directFreeDmaPages(dev: Device, size: number, cpuAddr: KernelPointer, dmaAddr: DmaAddr): void {
  const { atomicPools, sharedMemory } = dev.context;
  const phys = dmaAddr === DMA_MAPPING_ERROR ? cpuAddr : dmaToPhys(dev, dmaAddr);
  if (atomicPools?.free(phys, size) || freeRestricted(dev, phys)) return;
  if (dev.needsUnencrypted && !(sharedMemory?.setEncrypted(phys, size) ?? true)) return;
  directFreePages(dev, phys, size);
}

/** `dma_common_alloc_pages`: maps in the caller's direction under the streaming mask, without an event (spec D63, T19). */
function allocAndMap(dev: Device, size: number, dir: number, gfp: number): DmaMemory | null {
  const { pageSource, memory, kernelSpace } = dev.context;
  let phys = allocContiguous(dev, size, gfp);
  if (phys < 0) phys = pageSource?.allocPages(gfp & ~__GFP_ZERO, orderOf(size), dev.node) ?? -1;
  if (phys < 0) return null;
  const address =
    dev.iommu === null
      ? mapPhysByTable(dev, phys, size, dir, DMA_ATTR_SKIP_CPU_SYNC)
      : iommuDmaMapPhys(dev, phys, size, dir, DMA_ATTR_SKIP_CPU_SYNC);
  if (address === DMA_MAPPING_ERROR) {
    giveBack(dev, phys, size);
    return null;
  }
  memory.fill(phys, size);
  return { cpuAddr: kernelSpace.linear(phys), dmaAddr: address as DmaAddr };
}

function unmapAndFree(dev: Device, size: number, cpuAddr: KernelPointer, dmaAddr: DmaAddr, dir: number): void {
  if (dev.iommu === null) unmapPhysByTable(dev, dmaAddr, size, dir, DMA_ATTR_SKIP_CPU_SYNC);
  else iommuDmaUnmapPhys(dev, dmaAddr, size, dir, DMA_ATTR_SKIP_CPU_SYNC);
  giveBack(dev, cpuAddr, size);
}

function giveBack(dev: Device, phys: number, size: number): void {
  if (!freeContiguous(dev, phys, size)) dev.context.pageSource?.freePages(phys, orderOf(size));
}

/** `dma_common_alloc_pages` and its free, for platform tables to put into their own columns (spec D63). */
export const DMA_COMMON_PAGES = { allocPages: allocAndMap, freePages: unmapAndFree };
