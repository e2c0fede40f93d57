import type { DmaAddr } from '@dmalab/phys-memory';
import type { Device } from '../device/device.ts';
import { dmaAllocAttrs, dmaFreeAttrs } from './alloc-attrs.ts';
import type { DmaMemory } from './dma-memory.ts';
import type { KernelPointer } from './kernel-space.ts';

/** A buffer that goes with its driver (spec D66). */
export interface ManagedBuffer extends DmaMemory {
  readonly size: number;
  readonly attrs: number;
}

/** `dmam_alloc_attrs`: attached to the device, freed when its driver detaches. */
export function dmamAllocAttrs(dev: Device, size: number, gfp: number, attrs = 0): DmaMemory | null {
  const memory = dmaAllocAttrs(dev, size, gfp, attrs);
  if (memory !== null) dev.managedBuffers.push({ ...memory, size, attrs });
  return memory;
}

/** `dmam_alloc_coherent`. */
export function dmamAllocCoherent(dev: Device, size: number, gfp: number): DmaMemory | null {
  return dmamAllocAttrs(dev, size, gfp, 0);
}

/** `dmam_free_coherent`: frees early; a buffer that isn't the device's, or not of that size and handle, is a warning. */
export function dmamFreeCoherent(dev: Device, size: number, cpuAddr: KernelPointer, dmaAddr: DmaAddr): void {
  dmaFreeAttrs(dev, size, cpuAddr, dmaAddr);
  const index = dev.managedBuffers.findIndex((buffer) => buffer.cpuAddr === cpuAddr);
  const buffer = dev.managedBuffers[index];
  if (buffer?.size !== size || buffer.dmaAddr !== dmaAddr) {
    dev.context.log.add(
      'warn',
      'dmam_free_coherent',
      dev.name,
      'WARNING: not a managed buffer of that size and address',
    );
  }
  if (index >= 0) dev.managedBuffers.splice(index, 1);
}

/** Driver detach: managed buffers go in the reverse order of their allocation. */
export function releaseManaged(dev: Device): void {
  for (const { size, cpuAddr, dmaAddr, attrs } of dev.managedBuffers.splice(0).reverse()) {
    dmaFreeAttrs(dev, size, cpuAddr, dmaAddr, attrs);
  }
}
