import type { DmaMemory } from '../alloc/dma-memory.ts';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import type { Device } from '../device/device.ts';
import type { Scatterlist, SgTable } from '../sg/scatterlist.ts';

/**
 * `dma_map_ops` of Linux 7.3: a platform's own backend. Addresses in, addresses out; there is no callback that takes a page
 * or treats MMIO apart (spec D12): a table that can't map MMIO looks at the attribute and returns the error itself.
 */
export interface DmaMapOps {
  alloc?(dev: Device, size: number, gfp: number, attrs: number): DmaMemory | null;
  free?(dev: Device, size: number, cpuAddr: KernelPointer, address: number, attrs: number): void;
  allocPages?(dev: Device, size: number, dir: number, gfp: number): DmaMemory | null;
  freePages?(dev: Device, size: number, cpuAddr: KernelPointer, address: number, dir: number): void;
  mmap?(dev: Device, memory: DmaMemory, size: number, attrs: number): number;
  getSgtable?(dev: Device, table: SgTable, memory: DmaMemory, size: number, attrs: number): number;
  mapPhys?(dev: Device, phys: number, size: number, dir: number, attrs: number): number;
  unmapPhys?(dev: Device, address: number, size: number, dir: number, attrs: number): void;
  mapSg?(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): number;
  unmapSg?(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): void;
  syncSingleForCpu?(dev: Device, address: number, size: number, dir: number): void;
  syncSingleForDevice?(dev: Device, address: number, size: number, dir: number): void;
  syncSgForCpu?(dev: Device, list: Scatterlist, nents: number, dir: number): void;
  syncSgForDevice?(dev: Device, list: Scatterlist, nents: number, dir: number): void;
  dmaSupported?(dev: Device, mask: number): boolean;
  getRequiredMask?(dev: Device): number;
  maxMappingSize?(dev: Device): number;
  optMappingSize?(): number;
  getMergeBoundary?(dev: Device): number;
}

/** The arch override of PowerPC: some buffers of a platform-ops device go direct after all (spec D10). */
export interface ArchMapDirect {
  /** `end` is one past the buffer. */
  mapPhysDirect(dev: Device, end: number): boolean;
  /** `end` is one past the handle's range. */
  unmapPhysDirect(dev: Device, end: number): boolean;
  mapSgDirect(dev: Device, list: Scatterlist, nents: number): boolean;
  unmapSgDirect(dev: Device, list: Scatterlist, nents: number): boolean;
  allocDirect(dev: Device): boolean;
  freeDirect(dev: Device, address: number): boolean;
}
