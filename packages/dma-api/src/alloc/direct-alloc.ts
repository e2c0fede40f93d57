import type { DmaAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { dmaToPhys, physToDma } from '../direct/translate.ts';
import { DMA_ATTR_ALLOC_CC_SHARED, DMA_ATTR_NO_KERNEL_MAPPING, DMA_ATTR_NO_WARN } from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL } from '../types/direction.ts';
import { __GFP_NOWARN, __GFP_ZERO, allowsBlocking } from '../types/gfp.ts';
import { type DmaMemory, orderOf, pageAlign } from './dma-memory.ts';
import type { KernelPointer } from './kernel-space.ts';
import { directAllocPages, directFreePages } from './sources/direct-pages.ts';
import { allocRestricted, freeRestricted, hasRestrictedPool } from './sources/restricted-pool.ts';

/** `dma_direct_alloc` (spec D43). Each source named before the page allocator is final: no fallback when full (T20). */
export function directAlloc(dev: Device, wantedSize: number, gfp: number, attrs: number): DmaMemory | null {
  const size = pageAlign(wantedSize);
  const { options, globalPool, log } = dev.context;
  const shared = (attrs & DMA_ATTR_ALLOC_CC_SHARED) !== 0;
  const restricted = hasRestrictedPool(dev);
  if ((attrs & DMA_ATTR_NO_WARN) !== 0) gfp |= __GFP_NOWARN;
  if (isCookie(attrs) && !restricted) return allocWithoutMapping(dev, size, gfp);
  let remap = false;
  if (!dev.coherent) {
    if (globalPool !== null) return fromGlobalPool(dev, size);
    if (!options.directRemap && !options.setUncached) {
      log.warnOnce('coherent unsupported', dev.name, 'coherent DMA allocations not supported on this platform.');
      return null;
    }
    remap = options.directRemap;
  }
  if ((remap || shared) && !allowsBlocking(gfp) && !restricted) return fromAtomicPool(dev, size, gfp, shared);
  if (restricted) return memoryAt(dev, allocRestricted(dev, size, shared), shared);
  return fromPages(dev, size, gfp & ~__GFP_ZERO, shared, remap);
}

/** `dma_direct_free` (spec D48). */
export function directFree(dev: Device, size: number, cpuAddr: KernelPointer, dmaAddr: DmaAddr, attrs: number): void {
  const bytes = pageAlign(size);
  const { globalPool, atomicPools, kernelSpace, log } = dev.context;
  const phys = dmaToPhys(dev, dmaAddr);
  if (isCookie(attrs) && !hasRestrictedPool(dev)) {
    directFreePages(dev, phys, bytes);
    return;
  }
  if (!dev.coherent && globalPool !== null) {
    if (!globalPool.release(phys, bytes))
      log.warnOnce('global pool free', dev.name, 'memory is not of the global pool');
    return;
  }
  if (atomicPools?.free(phys, bytes)) return;
  if (kernelSpace.isVmalloc(cpuAddr)) kernelSpace.vunmap(cpuAddr);
  if (freeRestricted(dev, phys)) return; // its pages stay shared (spec P68)
  if ((attrs & DMA_ATTR_ALLOC_CC_SHARED) !== 0 && !makePrivate(dev, phys, bytes)) return;
  directFreePages(dev, phys, bytes);
}

/** An opaque cookie instead of a kernel mapping was asked for, and no conversion needs the mapping (spec D43 step 1). */
function isCookie(attrs: number): boolean {
  return (attrs & DMA_ATTR_NO_KERNEL_MAPPING) !== 0 && (attrs & DMA_ATTR_ALLOC_CC_SHARED) === 0;
}

/** `dma_direct_alloc_no_mapping` (spec D44): not zeroed; the cookie is the first page's descriptor. */
function allocWithoutMapping(dev: Device, size: number, gfp: number): DmaMemory | null {
  const phys = directAllocPages(dev, size, gfp & ~__GFP_ZERO, true);
  if (phys < 0) return null;
  prepareCoherent(dev, phys, size);
  const cookie = dev.context.conversions.physToPage(phys);
  return { cpuAddr: cookie as number as KernelPointer, dmaAddr: physToDma(dev, phys, false) as DmaAddr };
}

function fromGlobalPool(dev: Device, size: number): DmaMemory | null {
  const pool = dev.context.globalPool!;
  const offset = pool.alloc(size);
  if (offset < 0) return null;
  dev.context.memory.fill(pool.phys + offset, size);
  return {
    cpuAddr: dev.context.kernelSpace.linear(pool.phys + offset),
    dmaAddr: (pool.deviceBase + offset) as DmaAddr,
  };
}

function fromAtomicPool(dev: Device, size: number, gfp: number, shared: boolean): DmaMemory | null {
  return memoryAt(dev, dev.context.atomicPools?.alloc(dev, size, gfp, shared) ?? -1, shared);
}

/** Steps 5 and 6 of spec D43. */
function fromPages(dev: Device, size: number, gfp: number, shared: boolean, remap: boolean): DmaMemory | null {
  const { memory, pages, kernelSpace, sharedMemory } = dev.context;
  const phys = directAllocPages(dev, size, gfp, !shared);
  if (phys < 0) return null;
  if (shared && !(sharedMemory?.setDecrypted(phys, size) ?? true)) return null; // the pages are leaked (spec P64)
  let cpuAddr = kernelSpace.linear(phys);
  if (remap || pages.isHighMemory(phys)) {
    prepareCoherent(dev, phys, size);
    cpuAddr = kernelSpace.vmap(pageList(phys, size));
  }
  memory.fill(phys, size);
  if (!dev.coherent && !remap) prepareCoherent(dev, phys, size);
  return { cpuAddr, dmaAddr: physToDma(dev, phys, shared) as DmaAddr };
}

function memoryAt(dev: Device, phys: number, shared: boolean): DmaMemory | null {
  if (phys < 0) return null;
  return { cpuAddr: dev.context.kernelSpace.linear(phys), dmaAddr: physToDma(dev, phys, shared) as DmaAddr };
}

/** Nothing of the pages may stay in the caches once an uncached alias exists. */
function prepareCoherent(dev: Device, phys: number, size: number): void {
  if (!dev.coherent) dev.context.cache?.forDevice(phys, size, DMA_BIDIRECTIONAL);
}

function makePrivate(dev: Device, phys: number, size: number): boolean {
  if (dev.context.sharedMemory?.setEncrypted(phys, size) ?? true) return true;
  const text = `leaking DMA memory that can't be re-encrypted (order ${orderOf(size)})`;
  dev.context.log.add('warn', 'dma free encrypt', dev.name, text);
  return false;
}

/** Physical addresses of the pages of a contiguous block. */
export function pageList(phys: number, size: number): number[] {
  return Array.from({ length: size / 4096 }, (_, i) => phys + i * 4096);
}
