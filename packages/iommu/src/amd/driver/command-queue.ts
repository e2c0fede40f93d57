import type { RegisterBacking } from '@dmalab/phys-memory';
import { MemoryPage } from '../../page-table/memory-page.ts';
import type { WritableTables } from '../../page-table/table-memory.ts';
import { AmdCommandCode } from '../../spec/amd-commands.ts';
import { AMD_REG, AMD_RING_ENTRY_BYTES } from '../../spec/amd-registers.ts';
import { AmdTimeoutError } from './errors.ts';

/** One page: 2^8 commands, the fewest that a unit takes (spec H32). Linux has two. */
const RING_BYTES = 4096;
export const COMMAND_RING_LENGTH = 8;
/** Commands that a batch may hold: a wait and the free slots that Linux keeps come on top (spec H41). */
const BATCH_LIMIT = RING_BYTES / AMD_RING_ENTRY_BYTES - 4;
/** Store to memory, no interrupt (spec H41). */
const STORE = 1;
const CODE_SHIFT = 28;
const SPIN_NANOS = 1000;
/** Linux gives a unit a tenth of a second; one that takes a simulated second is broken. */
const SPINS = 1_000_000;

/**
 * The driver's end of the command buffer (spec H41): commands go to a ring in memory, {@link finish} ends the batch with a
 * COMPLETION_WAIT and spins for the number that it stores.
 */
export class CommandQueue {
  readonly ring: number = 0;
  readonly #semaphore: number = 0;
  readonly #registers: RegisterBacking;
  readonly #ringPage: MemoryPage;
  readonly #semaphorePage: MemoryPage;
  #tail = 0;
  /** Commands since the last wait. */
  #queued = 0;
  /** What the latest wait stores: another number each time, so that no old one is taken for it (spec H124). */
  #sequence = 0;

  /**
   * @param ring page for the commands
   * @param semaphore page whose first word waits store to
   */
  constructor(registers: RegisterBacking, memory: WritableTables, ring: number, semaphore: number) {
    this.#registers = registers;
    this.ring = ring;
    this.#semaphore = semaphore;
    this.#ringPage = new MemoryPage(memory, ring);
    this.#semaphorePage = new MemoryPage(memory, semaphore);
  }

  /** The unit starts at the beginning of the ring. */
  reset(): void {
    this.#tail = 0;
    this.#queued = 0;
  }

  /** Queues a command of two qwords in halves, each modulo 2^32; the unit sees it at the next {@link finish}. */
  push(low0: number, high0: number, low1: number, high1: number): void {
    if (this.#queued === BATCH_LIMIT) this.finish();
    this.#write(low0, high0, low1, high1);
    this.#queued++;
  }

  /** Ends the batch, if there is one, tells the unit and returns when it is done. @throws {AmdTimeoutError} */
  finish(): void {
    if (this.#queued === 0) return;
    this.#queued = 0;
    this.#sequence = (this.#sequence + 1) | 0;
    const semaphore = this.#semaphore;
    const high0 = Math.floor(semaphore * 2 ** -32) | (AmdCommandCode.COMPLETION_WAIT << CODE_SHIFT);
    this.#write(semaphore | STORE, high0, this.#sequence, 0);
    this.#registers.writeRegister(AMD_REG.COMMAND_TAIL, this.#tail);
    const done = this.#sequence >>> 0;
    for (let spin = 0; spin < SPINS; spin++) {
      this.#registers.advance(SPIN_NANOS);
      if (this.#semaphorePage.load32(0) === done) return;
    }
    throw new AmdTimeoutError('its command buffer', this.#registers.readRegister(AMD_REG.STATUS));
  }

  #write(low0: number, high0: number, low1: number, high1: number): void {
    const at = this.#tail;
    const page = this.#ringPage;
    page.store32(at, low0);
    page.store32(at + 4, high0);
    page.store32(at + 8, low1);
    page.store32(at + 12, high1);
    this.#tail = (at + AMD_RING_ENTRY_BYTES) % RING_BYTES;
  }
}
