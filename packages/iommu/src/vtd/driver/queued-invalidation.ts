import type { RegisterBacking } from '@dmalab/phys-memory';
import { MemoryPage } from '../../page-table/memory-page.ts';
import type { WritableTables } from '../../page-table/table-memory.ts';
import { lowMask } from '../../spec/bits.ts';
import { InvalidationType } from '../../spec/vtd-invalidation.ts';
import { Fsts, VTD_REG } from '../../spec/vtd-registers.ts';

/** One page, QS = 0: 256 descriptors of 128 bits, or 128 of 256 bits (Linux takes two pages for those, spec H15). */
const RING_BYTES = 4096;
/** What a wait writes when everything before it is done. */
const STATUS_DONE = 2;
const STATUS_IN_USE = 1;
/** Interrupts off, status write, fence off (spec H28: 0x25). */
const WAIT_LOW = InvalidationType.WAIT | (1 << 5);
const IQE = lowMask(Fsts.IQE);
const ITE = lowMask(Fsts.ITE);
const SPIN_NANOS = 1000;
/** A unit that takes longer than a simulated second for a batch is broken. */
const SPINS = 1_000_000;
/** Times that a batch is submitted again after a device timed out (spec I194). */
const RETRIES = 3;

/** The unit didn't execute its invalidation queue. */
export class InvalidationTimeoutError extends Error {
  readonly code = 'ERR_VTD_INVALIDATION_TIMEOUT';
  readonly faultStatus: number;

  constructor(faultStatus: number) {
    super(`the unit did not finish its invalidation queue: fault status 0x${faultStatus.toString(16)}`);
    this.name = 'InvalidationTimeoutError';
    this.faultStatus = faultStatus;
  }
}

/**
 * The driver's end of the invalidation queue (spec H15, H28): descriptors go to a ring in memory, {@link finish} ends the
 * batch with a wait descriptor and spins for its status (spec I166).
 */
export class QueuedInvalidation {
  readonly ring: number = 0;
  readonly #status: number = 0;
  readonly #registers: RegisterBacking;
  readonly #ringPage: MemoryPage;
  readonly #statusPage: MemoryPage;
  /** log2 of a descriptor's bytes. */
  readonly #shift: number = 0;
  /** Descriptors in the ring minus one. */
  readonly #mask: number = 0;
  #tail = 0;
  #batchStart = 0;

  /**
   * @param ring zeroed page for the descriptors
   * @param status page for the words that waits write
   * @param wide 256-bit descriptors, for scalable mode
   */
  constructor(registers: RegisterBacking, memory: WritableTables, ring: number, status: number, wide: boolean) {
    this.#registers = registers;
    this.ring = ring;
    this.#status = status;
    this.#ringPage = new MemoryPage(memory, ring);
    this.#statusPage = new MemoryPage(memory, status);
    this.#shift = wide ? 5 : 4;
    this.#mask = (RING_BYTES >> this.#shift) - 1;
  }

  /** Queues a descriptor of two qwords in halves, each modulo 2^32; the unit sees it at the next {@link finish}. */
  push(low0: number, high0: number, low1: number, high1: number): void {
    this.#ringPage.store128(this.#tail << this.#shift, low0, high0, low1, high1);
    this.#tail = (this.#tail + 1) & this.#mask;
  }

  /** Ends the batch, if there is one, tells the unit and returns when it is done. @throws {InvalidationTimeoutError} */
  finish(): void {
    if (this.#tail === this.#batchStart) return;
    for (let attempt = 0; attempt < RETRIES; attempt++) if (this.#submitAndSpin()) return;
    throw new InvalidationTimeoutError(this.#registers.readRegister(VTD_REG.FSTS));
  }

  #submitAndSpin(): boolean {
    const slot = this.#tail;
    const status = this.#status + slot * 4;
    this.#statusPage.store32(slot * 4, STATUS_IN_USE);
    this.push(WAIT_LOW, STATUS_DONE, status | 0, Math.floor(status * 2 ** -32));
    this.#registers.writeRegister(VTD_REG.IQT, this.#tail << this.#shift);
    for (let spin = 0; spin < SPINS; spin++) {
      this.#registers.advance(SPIN_NANOS);
      if (this.#statusPage.load32(slot * 4) === STATUS_DONE) {
        this.#batchStart = this.#tail;
        return true;
      }
      if (!this.#recover(slot)) return false;
    }
    return false;
  }

  /** Looks for what may have stopped the queue; false when the batch has to be submitted again. */
  #recover(waitSlot: number): boolean {
    const faults = this.#registers.readRegister(VTD_REG.FSTS);
    if ((faults & IQE) !== 0) this.#replaceBadDescriptor(waitSlot);
    if ((faults & ITE) === 0) return true;
    this.#registers.writeRegister(VTD_REG.FSTS, ITE);
    this.#pushBatchAgain(waitSlot);
    return false;
  }

  /** The unit sits on a descriptor that it doesn't take: the wait takes its place, and the tail is written again (spec H28). */
  #replaceBadDescriptor(waitSlot: number): void {
    const head = this.#registers.readRegister(VTD_REG.IQH);
    this.#copySlot(waitSlot, head >>> this.#shift);
    this.#registers.writeRegister(VTD_REG.FSTS, IQE);
    this.#registers.writeRegister(VTD_REG.IQT, this.#tail << this.#shift);
  }

  #pushBatchAgain(waitSlot: number): void {
    const first = this.#batchStart;
    this.#batchStart = this.#tail;
    for (let slot = first; slot !== waitSlot; slot = (slot + 1) & this.#mask) {
      this.#copySlot(slot, this.#tail);
      this.#tail = (this.#tail + 1) & this.#mask;
    }
  }

  #copySlot(from: number, to: number): void {
    for (let byte = 0; byte < 16; byte += 4) {
      const word = this.#ringPage.load32((from << this.#shift) + byte);
      this.#ringPage.store32((to << this.#shift) + byte, word);
    }
  }
}
