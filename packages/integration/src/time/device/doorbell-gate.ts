import type { BarHandler } from '@dmalab/pci-p2p';

/** Doorbells begin here, and nothing else follows: a word for a submission queue, one for its completion queue (NVMe 2.0c, 3.1.2). */
const DOORBELLS = 0x1000;
const COMPLETION = 4;
const FIRST_IO_DOORBELL = DOORBELLS + 8;

/**
 * Registers of a disk behind a link that takes time: a doorbell is not heard before its write arrived. One of a completion
 * queue is, since it only gives room back that nobody waits for: there are fewer tags than entries. That spares an event in
 * five. The admin queue's are heard at once too: its commands are rare, and who sends them waits without letting events pass.
 */
export class DoorbellGate implements BarHandler {
  readonly #inner: BarHandler;
  readonly #written: (isAdmin: boolean) => void;
  readonly #rung: (offset: number, value: number) => void;
  /** Until the machine's clock runs, a doorbell is heard at once. */
  isRunning = false;

  /**
   * @param written a doorbell was, of the admin queue or of another
   * @param rung it is one that has to arrive first
   */
  constructor(inner: BarHandler, written: (isAdmin: boolean) => void, rung: (offset: number, value: number) => void) {
    this.#inner = inner;
    this.#written = written;
    this.#rung = rung;
  }

  readRegister(offset: number): number {
    return this.#inner.readRegister(offset);
  }

  writeRegister(offset: number, value: number): void {
    const isDoorbell = this.isRunning && offset >= DOORBELLS;
    const isAdmin = offset < FIRST_IO_DOORBELL;
    if (isDoorbell) this.#written(isAdmin);
    if (isDoorbell && !isAdmin && (offset & COMPLETION) === 0) this.#rung(offset, value);
    else this.#inner.writeRegister(offset, value);
  }
}
