import type { BarHandler } from '@dmalab/pci-p2p';

/** Doorbells begin here, and nothing else follows (NVMe 2.0c, 3.1.2). */
const DOORBELLS = 0x1000;

/** Registers of a disk behind a link that takes time: a doorbell is not heard before its write arrived. */
export class DoorbellGate implements BarHandler {
  readonly #inner: BarHandler;
  readonly #rung: (offset: number, value: number) => void;
  /** Until the machine's clock runs, a doorbell is heard at once. */
  isRunning = false;

  constructor(inner: BarHandler, rung: (offset: number, value: number) => void) {
    this.#inner = inner;
    this.#rung = rung;
  }

  readRegister(offset: number): number {
    return this.#inner.readRegister(offset);
  }

  writeRegister(offset: number, value: number): void {
    if (this.isRunning && offset >= DOORBELLS) this.#rung(offset, value);
    else this.#inner.writeRegister(offset, value);
  }
}
