import type { DmaAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { allocDirect } from '../device/go-direct.ts';
import { DMA_ATTR_ALLOC_CC_SHARED, DMA_ATTR_CC_SHARED } from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL } from '../types/direction.ts';
import { __GFP_COMP, GFP_ZONE_MASK, gfpText } from '../types/gfp.ts';
import { directAlloc, directFree } from './direct-alloc.ts';
import type { DmaMemory } from './dma-memory.ts';
import { iommuDmaAlloc, iommuDmaFree } from './iommu-alloc.ts';
import type { KernelPointer } from './kernel-space.ts';

/** `dma_alloc_attrs` (spec D42): memory that CPU and device share without syncs; null where there is none. */
export function dmaAllocAttrs(dev: Device, size: number, gfp: number, attrs = 0): DmaMemory | null {
  const { log, debug } = dev.context;
  if (dev.coherentDmaMask === 0)
    log.warnOnce('dma_alloc mask', dev.name, 'coherent allocation without a coherent mask');
  if ((gfp & __GFP_COMP) !== 0) {
    log.warnOnce('dma_alloc comp', dev.name, 'coherent allocation of a compound page');
    return null; // no trace
  }
  if ((attrs & (DMA_ATTR_CC_SHARED | DMA_ATTR_ALLOC_CC_SHARED)) !== 0) return traceAlloc(dev, size, null, gfp, attrs);
  if (dev.needsUnencrypted) attrs |= DMA_ATTR_ALLOC_CC_SHARED;
  if (dev.dmaMem !== null) return traceAlloc(dev, size, allocFromDevicePool(dev, size), gfp, attrs);
  gfp &= ~GFP_ZONE_MASK;
  const memory = allocByBackend(dev, size, gfp, attrs);
  traceAlloc(dev, size, memory, gfp, attrs);
  if (memory !== null) debug?.allocCoherent(dev, size, memory, attrs);
  return memory;
}

/** `dma_free_attrs` (spec D61): size, address and attributes as they were given to the allocation. */
export function dmaFreeAttrs(
  dev: Device,
  size: number,
  cpuAddr: KernelPointer | null,
  dmaAddr: DmaAddr,
  attrs = 0,
): void {
  const { ring, log, debug, kernelSpace, interruptsOff } = dev.context;
  if (dev.needsUnencrypted) attrs |= DMA_ATTR_ALLOC_CC_SHARED;
  if (cpuAddr !== null && dev.dmaMem !== null && !kernelSpace.isVmalloc(cpuAddr)) {
    if (dev.dmaMem.release(kernelSpace.physOf(cpuAddr), size)) return; // neither trace nor debug
  }
  if (interruptsOff) log.add('warn', 'dma_free irqs', dev.name, 'WARNING: coherent free with interrupts off');
  if (ring.on) ring.dmaFree(dev.traceId, DMA_BIDIRECTIONAL, dmaAddr, size, cpuAddr ?? 0, attrs);
  if (cpuAddr === null) return;
  debug?.freeCoherent(dev, size, cpuAddr, dmaAddr, attrs);
  if (allocDirect(dev) || dev.context.archMapDirect?.freeDirect(dev, dmaAddr)) {
    directFree(dev, size, cpuAddr, dmaAddr, attrs);
  } else if (dev.iommu !== null) iommuDmaFree(dev, size, cpuAddr, dmaAddr);
  else dev.dmaOps?.free?.(dev, size, cpuAddr, dmaAddr, attrs);
}

/** `dma_alloc_coherent`. */
export function dmaAllocCoherent(dev: Device, size: number, gfp: number): DmaMemory | null {
  return dmaAllocAttrs(dev, size, gfp, 0);
}

/** `dma_free_coherent`. */
export function dmaFreeCoherent(dev: Device, size: number, cpuAddr: KernelPointer | null, dmaAddr: DmaAddr): void {
  dmaFreeAttrs(dev, size, cpuAddr, dmaAddr, 0);
}

function allocByBackend(dev: Device, size: number, gfp: number, attrs: number): DmaMemory | null {
  if (allocDirect(dev) || dev.context.archMapDirect?.allocDirect(dev)) return directAlloc(dev, size, gfp, attrs);
  if (dev.iommu !== null) return iommuDmaAlloc(dev, size, gfp, attrs);
  return dev.dmaOps?.alloc?.(dev, size, gfp, attrs) ?? null;
}

/** A full pool means null: general memory is never tried instead (spec D50, T20). */
function allocFromDevicePool(dev: Device, size: number): DmaMemory | null {
  const pool = dev.dmaMem!;
  const offset = pool.alloc(size);
  if (offset < 0) return null;
  dev.context.memory.fill(pool.phys + offset, size);
  const cpuAddr = dev.context.kernelSpace.linear(pool.phys + offset);
  return { cpuAddr, dmaAddr: (pool.deviceBase + offset) as DmaAddr };
}

/** A failed allocation prints address and pointer 0 (spec D42). */
function traceAlloc(dev: Device, size: number, memory: DmaMemory | null, gfp: number, attrs: number): DmaMemory | null {
  const { ring } = dev.context;
  if (!ring.on) return memory;
  const flags = ring.intern(gfpText(gfp));
  ring.dmaAlloc(dev.traceId, DMA_BIDIRECTIONAL, memory?.dmaAddr ?? 0, size, memory?.cpuAddr ?? 0, flags, attrs);
  return memory;
}
