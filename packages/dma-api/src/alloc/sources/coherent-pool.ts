import { PAGE_SIZE } from '@dmalab/phys-memory';
import type { Device } from '../../device/device.ts';
import { EBUSY, EINVAL, ENODEV } from '../../types/errno.ts';
import { orderOf } from '../dma-memory.ts';

/** Coherent memory of one device, or of the machine (spec D50, P51): pages from a region set aside at boot. */
export class CoherentPool {
  readonly phys: number;
  readonly deviceBase: number;
  readonly pages: number;
  readonly #used: boolean[];

  constructor(phys: number, deviceBase: number, size: number) {
    this.phys = phys;
    this.deviceBase = deviceBase;
    this.pages = Math.floor(size / PAGE_SIZE);
    this.#used = new Array<boolean>(this.pages).fill(false);
  }

  /** Byte offset of the first naturally aligned free run of 2^order(size) pages, or -1. */
  alloc(size: number): number {
    const run = 2 ** orderOf(size);
    for (let first = 0; first + run <= this.pages; first += run) {
      if (this.#used.slice(first, first + run).includes(true)) continue;
      this.#used.fill(true, first, first + run);
      return first * PAGE_SIZE;
    }
    return -1;
  }

  /** Release is by address range; false for an address outside. */
  release(phys: number, size: number): boolean {
    if (!this.contains(phys)) return false;
    const first = (phys - this.phys) / PAGE_SIZE;
    this.#used.fill(false, first, first + 2 ** orderOf(size));
    return true;
  }

  contains(phys: number): boolean {
    return phys >= this.phys && phys < this.phys + this.pages * PAGE_SIZE;
  }
}

/** `dma_declare_coherent_memory` (spec D50): 0, -EINVAL, -EBUSY or -ENODEV. */
export function dmaDeclareCoherentMemory(
  dev: Device | null,
  phys: number,
  deviceAddress: number,
  size: number,
): number {
  if (dev === null) return ENODEV;
  if (size === 0) return EINVAL;
  if (dev.dmaMem !== null) return EBUSY;
  dev.dmaMem = new CoherentPool(phys, deviceAddress, size);
  return 0;
}
