import type { DmaMemory } from '../alloc/dma-memory.ts';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import type { Device } from '../device/device.ts';
import type { Scatterlist } from '../sg/scatterlist.ts';

/** Where the API tells dma-debug what happened (spec section 9). */
export interface DmaDebugHooks {
  mapPhys(dev: Device, phys: number, size: number, dir: number, address: number, attrs: number): void;
  unmapPhys(dev: Device, address: number, size: number, dir: number, attrs: number): void;
  /** The page era kept maps of pages and of resources apart (spec G5). */
  mapPage(dev: Device, phys: number, size: number, dir: number, address: number, attrs: number): void;
  unmapPage(dev: Device, address: number, size: number, dir: number, attrs: number): void;
  mapResource(dev: Device, phys: number, size: number, dir: number, address: number, attrs: number): void;
  unmapResource(dev: Device, address: number, size: number, dir: number, attrs: number): void;
  mappingError(dev: Device, address: number): void;
  checkMapSingle(dev: Device, pointer: KernelPointer, size: number): void;
  syncSingle(dev: Device, address: number, size: number, dir: number, forCpu: boolean): void;
  mapSg(dev: Device, list: Scatterlist, nents: number, mapped: number, dir: number, attrs: number): void;
  unmapSg(dev: Device, list: Scatterlist, nents: number, dir: number, attrs: number): void;
  syncSg(dev: Device, list: Scatterlist, nents: number, dir: number, forCpu: boolean): void;
  allocCoherent(dev: Device, size: number, memory: DmaMemory, attrs: number): void;
  freeCoherent(dev: Device, size: number, cpuAddr: KernelPointer, address: number, attrs: number): void;
  allocPages(dev: Device, size: number, dir: number, phys: number, address: number): void;
  freePages(dev: Device, size: number, dir: number, phys: number, address: number): void;
}
