import type { RegisterBacking } from '@dmalab/phys-memory';

/** What registers at an address need of their machine. */
export interface MmioAccess {
  readMmio(at: number): number;
  writeMmio(at: number, value: number): void;
  advance(nanoseconds: number): void;
}

/** Registers from an address on, as a driver has them. */
export class MmioRegisters implements RegisterBacking {
  readonly #machine: MmioAccess;
  readonly #base: number;

  constructor(machine: MmioAccess, base: number) {
    this.#machine = machine;
    this.#base = base;
  }

  readRegister(offset: number): number {
    return this.#machine.readMmio(this.#base + offset);
  }

  writeRegister(offset: number, value: number): void {
    this.#machine.writeMmio(this.#base + offset, value);
  }

  advance(nanoseconds: number): void {
    this.#machine.advance(nanoseconds);
  }
}
