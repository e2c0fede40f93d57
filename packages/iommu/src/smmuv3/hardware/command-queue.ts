import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { MemoryPage } from '../../page-table/memory-page.ts';
import { get, getAddress, lowMask } from '../../spec/bits.ts';
import { COMMAND_BYTES, CommandError } from '../../spec/smmuv3-commands.ts';
import { SmmuCmdqCons, SmmuGerror, SmmuQueueBase } from '../../spec/smmuv3-registers.ts';
import { type Commands, FetchedCommand } from './commands.ts';
import type { GlobalErrors } from './global-errors.ts';
import { QueuePointers } from './queue-pointers.ts';

const CMDQ_ERR = lowMask(SmmuGerror.CMDQ_ERR);
const POINTER = lowMask(SmmuCmdqCons.RD);

/** The command queue of a unit: registers, fetch loop and errors (spec H58, H72). Works in {@link step} only. */
export class CommandQueue {
  readonly #pointers = new QueuePointers();
  readonly #command = new FetchedCommand();
  readonly #memory: UnitMemory;
  readonly #commands: Commands;
  readonly #errors: GlobalErrors;
  readonly #mostBits: number;
  /** The page of the latest command: the next one is nearly always in it too. */
  readonly #page: MemoryPage;
  #base = 0;
  #error = 0;
  #enabled = false;

  constructor(memory: UnitMemory, mostBits: number, commands: Commands, errors: GlobalErrors) {
    this.#memory = memory;
    this.#page = new MemoryPage(memory, 0);
    this.#mostBits = mostBits;
    this.#commands = commands;
    this.#errors = errors;
  }

  setBase(low: number, high: number): void {
    this.#base = getAddress(low, high, SmmuQueueBase.ADDR);
    this.#pointers.setSize(get(low, high, SmmuQueueBase.LOG2SIZE), this.#mostBits);
  }

  setEnabled(enabled: boolean): void {
    this.#enabled = enabled;
  }

  /** CMDQ_PROD. */
  get producer(): number {
    return this.#pointers.producer;
  }

  setProducer(value: number): void {
    this.#pointers.producer = value & POINTER;
  }

  /** CMDQ_CONS: ERR keeps the cause of the latest error, also after software acknowledged it (spec H72). */
  get consumer(): number {
    return (this.#pointers.consumer | (this.#error << SmmuCmdqCons.ERR.lo)) >>> 0;
  }

  /** Hardware's own while the queue is on. */
  setConsumer(value: number): void {
    if (this.#enabled) return;
    this.#pointers.consumer = value & POINTER;
    this.#error = get(value, 0, SmmuCmdqCons.ERR);
  }

  /** Executes everything up to PROD, or up to the first bad command, which it stays on until the error is acknowledged. */
  step(): void {
    if (!this.#enabled || this.#errors.isActive(CMDQ_ERR)) return;
    const pointers = this.#pointers;
    while (!pointers.isEmpty) {
      const error = this.#fetch(this.#base + pointers.consumerIndex * COMMAND_BYTES);
      if (error !== CommandError.NONE) {
        this.#error = error;
        this.#errors.raise(CMDQ_ERR);
        return;
      }
      pointers.consumer = pointers.next(pointers.consumer);
    }
  }

  #fetch(at: number): number {
    if (!this.#memory.canAccess(at)) return CommandError.ABORT;
    const offset = at & 0xfff;
    const page = this.#page;
    page.moveTo(at - offset);
    const command = this.#command;
    command.low0 = page.load32(offset);
    command.high0 = page.load32(offset + 4);
    command.low1 = page.load32(offset + 8);
    command.high1 = page.load32(offset + 12);
    return this.#commands.execute(command);
  }
}
