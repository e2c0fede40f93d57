import type { BarHandler } from '@dmalab/pci-p2p';

/** Doorbells begin here, and nothing else follows: a word for a submission queue, one for its completion queue (NVMe 2.0c, 3.1.2). */
const DOORBELLS = 0x1000;
const COMPLETION = 4;

/**
 * Registers of a disk behind a link that takes time: a doorbell is not heard before its write arrived. One of a completion
 * queue is, since it only gives room back that nobody waits for: there are fewer tags than entries. That spares an event in
 * five.
 */
export class DoorbellGate implements BarHandler {
  readonly #inner: BarHandler;
  readonly #charge: () => void;
  readonly #rung: (offset: number, value: number) => void;
  /** Until the machine's clock runs, a doorbell is heard at once. */
  isRunning = false;

  /**
   * @param charge a doorbell was rung
   * @param rung it is one that has to arrive first
   */
  constructor(inner: BarHandler, charge: () => void, rung: (offset: number, value: number) => void) {
    this.#inner = inner;
    this.#charge = charge;
    this.#rung = rung;
  }

  readRegister(offset: number): number {
    return this.#inner.readRegister(offset);
  }

  writeRegister(offset: number, value: number): void {
    const isDoorbell = this.isRunning && offset >= DOORBELLS;
    if (isDoorbell) this.#charge();
    if (isDoorbell && (offset & COMPLETION) === 0) this.#rung(offset, value);
    else this.#inner.writeRegister(offset, value);
  }
}
