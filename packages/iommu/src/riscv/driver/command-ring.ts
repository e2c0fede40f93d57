import type { RegisterBacking } from '@dmalab/phys-memory';
import { MemoryPage } from '../../page-table/memory-page.ts';
import type { WritableTables } from '../../page-table/table-memory.ts';
import { lowMask } from '../../spec/bits.ts';
import { RISCV_COMMAND_BYTES, RiscvIofence, RiscvOpcode } from '../../spec/riscv-commands.ts';
import { RISCV_REG, RiscvCqcsr } from '../../spec/riscv-registers.ts';
import { RiscvCommandTimeoutError } from './errors.ts';

/** One page. */
const ENTRIES = 4096 / RISCV_COMMAND_BYTES;
const MASK = ENTRIES - 1;
const CQMF = lowMask(RiscvCqcsr.CQMF);
const CMD_TO = lowMask(RiscvCqcsr.CMD_TO);
const CMD_ILL = lowMask(RiscvCqcsr.CMD_ILL);
/** Waits for everything before it, of reads and of writes. */
const FENCE_LOW = RiscvOpcode.IOFENCE | lowMask(RiscvIofence.qw0.PR) | lowMask(RiscvIofence.qw0.PW);
const SPIN_NANOS = 1000;
/** A unit that takes longer than a simulated second for a batch is broken. */
const SPINS = 1_000_000;

/**
 * The driver's end of the command queue (spec H91, H100): commands go to a ring in memory, {@link finish} ends the batch
 * with a fence and spins until the unit has passed it.
 */
export class CommandRing {
  readonly phys: number;
  /** log2 of the entries, minus one: the size field of `cqb`. */
  readonly sizeField = Math.log2(ENTRIES) - 1;
  readonly #registers: RegisterBacking;
  readonly #page: MemoryPage;
  #tail = 0;
  /** As of the last look. */
  #head = 0;

  constructor(registers: RegisterBacking, memory: WritableTables, phys: number) {
    this.#registers = registers;
    this.phys = phys;
    this.#page = new MemoryPage(memory, phys);
  }

  /** The queue was turned on, which empties it (spec H123). */
  restart(): void {
    this.#tail = 0;
    this.#head = 0;
  }

  /** Queues a command of two qwords in halves, each modulo 2^32; the unit sees it at the next {@link finish}. */
  push(low0: number, high0: number, low1: number, high1: number): void {
    if (((this.#tail + 1) & MASK) === this.#head) this.#submit();
    const at = this.#tail * RISCV_COMMAND_BYTES;
    this.#page.store32(at, low0);
    this.#page.store32(at + 4, high0);
    this.#page.store32(at + 8, low1);
    this.#page.store32(at + 12, high1);
    this.#tail = (this.#tail + 1) & MASK;
  }

  /** What follows is not begun before everything so far is done. */
  pushFence(): void {
    this.push(FENCE_LOW, 0, 0, 0);
  }

  /** Ends the batch, if there is one, and returns when the unit has done it. @throws {RiscvCommandTimeoutError} */
  finish(): void {
    if (this.#tail === this.#head) return;
    this.pushFence();
    this.#submit();
  }

  #submit(): void {
    this.#registers.writeRegister(RISCV_REG.CQT, this.#tail);
    for (let spin = 0; spin < SPINS; spin++) {
      this.#registers.advance(SPIN_NANOS);
      this.#head = this.#registers.readRegister(RISCV_REG.CQH);
      if (this.#head === this.#tail) return;
      this.#recover();
    }
    throw new RiscvCommandTimeoutError(this.#registers.readRegister(RISCV_REG.CQCSR));
  }

  /**
   * A command that the unit doesn't take gives way to a fence; a device that didn't answer has been waited for. The unit
   * goes on when the bit is cleared (spec H100). Memory that can't be read stays so.
   */
  #recover(): void {
    const status = this.#registers.readRegister(RISCV_REG.CQCSR);
    if ((status & CQMF) !== 0) throw new RiscvCommandTimeoutError(status);
    const errors = status & (CMD_ILL | CMD_TO);
    if (errors === 0) return;
    if ((errors & CMD_ILL) !== 0) this.#replaceWithFence(this.#head);
    this.#registers.writeRegister(RISCV_REG.CQCSR, status);
  }

  #replaceWithFence(slot: number): void {
    const at = slot * RISCV_COMMAND_BYTES;
    this.#page.store32(at, FENCE_LOW);
    for (let byte = 4; byte < RISCV_COMMAND_BYTES; byte += 4) this.#page.store32(at + byte, 0);
  }
}
