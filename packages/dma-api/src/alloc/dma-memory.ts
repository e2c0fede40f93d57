import { type DmaAddr, PAGE_SHIFT, PAGE_SIZE } from '@dmalab/phys-memory';
import type { KernelPointer } from './kernel-space.ts';

/** What a coherent allocation returns: where the CPU and where the device finds it. */
export interface DmaMemory {
  /** Where the CPU finds it; an opaque cookie with `DMA_ATTR_NO_KERNEL_MAPPING` (spec D44). */
  readonly cpuAddr: KernelPointer;
  readonly dmaAddr: DmaAddr;
}

/** Smallest n with 4096 * 2^n >= size (spec P3). */
export function orderOf(size: number): number {
  let order = 0;
  while (2 ** (PAGE_SHIFT + order) < size) order++;
  return order;
}

/** `PAGE_ALIGN`. */
export function pageAlign(size: number): number {
  return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
}
