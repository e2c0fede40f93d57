import type { Device } from '../../device/device.ts';

/** The device's bounce allocator serves its coherent memory too (spec S120). */
export function hasRestrictedPool(dev: Device): boolean {
  return dev.ioTlbMem?.forAlloc ?? false;
}

/**
 * Pages from the restricted pool (spec D43 step 4, S122): aligned to the allocation's order, and only if the pool's shared
 * state is the one wanted.
 *
 * @returns physical address, or -1
 */
export function allocRestricted(dev: Device, size: number, shared: boolean): number {
  const mem = dev.ioTlbMem!;
  const phys = mem.alloc(dev, size, dev.context.kernel.cpu);
  if (phys < 0) return -1;
  if (mem.findPool(phys)!.shared !== shared) {
    mem.free(phys);
    return -1;
  }
  dev.context.memory.fill(phys, size);
  return phys;
}

/** False if the pages are not of a restricted pool. */
export function freeRestricted(dev: Device, phys: number): boolean {
  return hasRestrictedPool(dev) && dev.ioTlbMem!.free(phys);
}
