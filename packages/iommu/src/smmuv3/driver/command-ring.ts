import type { RegisterBacking } from '@dmalab/phys-memory';
import { MemoryPage } from '../../page-table/memory-page.ts';
import type { WritableTables } from '../../page-table/table-memory.ts';
import { get, lowMask } from '../../spec/bits.ts';
import { CommandError, SmmuCommand, SyncSignal } from '../../spec/smmuv3-commands.ts';
import { SMMU_REG, SmmuCmdqCons, SmmuGerror } from '../../spec/smmuv3-registers.ts';
import { SmmuTimeoutError } from './errors.ts';

/** log2 of the commands in the ring: one page of 16 bytes each, where the unit has queues as long (spec H57). */
const MOST_BITS = 8;
const CMDQ_ERR = lowMask(SmmuGerror.CMDQ_ERR);
const SYNC_LOW = SmmuCommand.SYNC;
/** The message of a SYNC: inner shareable, write-back, as Linux has it (MSH, MSIATTR). */
const SYNC_MESSAGE_LOW = (SYNC_LOW | (SyncSignal.IRQ << 12) | (3 << 22) | (15 << 24)) >>> 0;
const SPIN_NANOS = 1000;
/** A unit that takes longer than a simulated second for a batch is broken. */
const SPINS = 1_000_000;

/**
 * The driver's end of the command queue (spec H58, H72): commands go to a ring in memory, {@link finish} ends the batch with
 * a SYNC and waits until it is done.
 */
export class CommandRing {
  /** Physical address of the ring. */
  readonly phys: number;
  /** log2 of the commands that it holds. */
  readonly sizeBits: number;
  readonly #registers: RegisterBacking;
  readonly #page: MemoryPage;
  readonly #indexMask: number;
  /** Index bits with the wrap bit. */
  readonly #pointerMask: number;
  /** A SYNC is told to write over itself when it is done, which is cheaper to wait for than a register. */
  readonly #syncsByMessage: boolean;
  #producer = 0;
  /** Up to where commands are known to be done. */
  #done = 0;
  /** Commands came since the latest SYNC: pointers can't tell, as a long batch takes them all the way round. */
  #isPending = false;

  /**
   * @param phys zeroed page for the commands
   * @param unitBits log2 of the most commands that the unit takes (IDR1.CMDQS)
   */
  constructor(
    registers: RegisterBacking,
    memory: WritableTables,
    phys: number,
    unitBits: number,
    syncsByMessage: boolean,
  ) {
    this.#registers = registers;
    this.phys = phys;
    this.sizeBits = Math.min(MOST_BITS, unitBits);
    this.#page = new MemoryPage(memory, phys);
    this.#indexMask = 2 ** this.sizeBits - 1;
    this.#pointerMask = 2 * 2 ** this.sizeBits - 1;
    this.#syncsByMessage = syncsByMessage;
  }

  /** The unit's pointers are 0 again. */
  reset(): void {
    this.#producer = 0;
    this.#done = 0;
    this.#isPending = false;
  }

  /** Queues a command of two qwords in halves, each modulo 2^32; the unit sees it at the next {@link finish}. */
  push(low0: number, high0: number, low1: number, high1: number): void {
    if (((this.#producer - this.#done) & this.#pointerMask) > this.#indexMask) this.#drain();
    const at = (this.#producer & this.#indexMask) << 4;
    const page = this.#page;
    page.store32(at, low0);
    page.store32(at + 4, high0);
    page.store32(at + 8, low1);
    page.store32(at + 12, high1);
    this.#producer = (this.#producer + 1) & this.#pointerMask;
    this.#isPending = true;
  }

  /** Ends the batch, if there is one, tells the unit and returns when it is done. @throws {SmmuTimeoutError} */
  finish(): void {
    if (!this.#isPending) return;
    if (this.#syncsByMessage) this.#finishByMessage();
    else {
      this.push(SYNC_LOW, 0, 0, 0);
      this.#drain();
    }
    this.#isPending = false;
  }

  /** The unit's error interrupt came, or a wait takes long: takes what it said about commands. */
  recover(): void {
    const errors = this.#registers.readRegister(SMMU_REG.GERROR);
    const active = errors ^ this.#registers.readRegister(SMMU_REG.GERRORN);
    if ((active & CMDQ_ERR) === 0) return;
    const consumer = this.#registers.readRegister(SMMU_REG.CMDQ_CONS);
    // After a device's timeout or a failed fetch, what stands there is only tried again (spec H72).
    if (get(consumer, 0, SmmuCmdqCons.ERR) === CommandError.ILLEGAL) this.#replace(consumer & this.#indexMask);
    this.#registers.writeRegister(SMMU_REG.GERRORN, errors);
  }

  /** A SYNC takes the place of a command that the unit doesn't know (spec H72). */
  #replace(index: number): void {
    for (let word = 0; word < 4; word++) this.#page.store32((index << 4) + word * 4, word === 0 ? SYNC_LOW : 0);
  }

  #finishByMessage(): void {
    // The SYNC's slot must be known before the push, which may have to make room first.
    if (((this.#producer - this.#done) & this.#pointerMask) > this.#indexMask) this.#drain();
    const at = (this.#producer & this.#indexMask) << 4;
    const slot = this.phys + at;
    this.push(SYNC_MESSAGE_LOW, 0, slot | 0, Math.floor(slot * 2 ** -32));
    this.#registers.writeRegister(SMMU_REG.CMDQ_PROD, this.#producer);
    for (let spin = 0; spin < SPINS; spin++) {
      this.#registers.advance(SPIN_NANOS);
      if (this.#page.load32(at) === 0) {
        this.#done = this.#producer;
        return;
      }
      this.recover();
    }
    throw new SmmuTimeoutError('CMDQ_CONS', this.#registers.readRegister(SMMU_REG.CMDQ_CONS));
  }

  /** Returns when the unit has fetched everything; a SYNC at the end says that it is done too. */
  #drain(): void {
    this.#registers.writeRegister(SMMU_REG.CMDQ_PROD, this.#producer);
    for (let spin = 0; spin < SPINS; spin++) {
      this.#registers.advance(SPIN_NANOS);
      const consumer = this.#registers.readRegister(SMMU_REG.CMDQ_CONS);
      if ((consumer & this.#pointerMask) === this.#producer) {
        this.#done = this.#producer;
        return;
      }
      this.recover();
    }
    throw new SmmuTimeoutError('CMDQ_CONS', this.#registers.readRegister(SMMU_REG.CMDQ_CONS));
  }
}
