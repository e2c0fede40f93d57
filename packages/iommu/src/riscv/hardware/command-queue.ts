import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { lowMask } from '../../spec/bits.ts';
import { RISCV_COMMAND_BYTES, RiscvIofence, RiscvIofenceFunc, RiscvOpcode } from '../../spec/riscv-commands.ts';
import { RiscvCqcsr, RiscvIpsr } from '../../spec/riscv-registers.ts';
import { Command } from './command.ts';
import { type Commands, Outcome } from './commands.ts';
import type { Interrupts } from './interrupts.ts';
import { QueueRegisters } from './queue-registers.ts';
import { hasReserved, reservedBits } from './reserved-bits.ts';

const CQMF = lowMask(RiscvCqcsr.CQMF);
const CMD_TO = lowMask(RiscvCqcsr.CMD_TO);
const CMD_ILL = lowMask(RiscvCqcsr.CMD_ILL);
const FENCE_W_IP = lowMask(RiscvCqcsr.FENCE_W_IP);
const STOPS = CQMF | CMD_TO | CMD_ILL;
const AV = lowMask(RiscvIofence.qw0.AV);
const WSI = lowMask(RiscvIofence.qw0.WSI);
const RESERVED0 = reservedBits(RiscvIofence.qw0);
const RESERVED1 = reservedBits(RiscvIofence.qw1);

/** The command queue: fetch loop, fences and errors (spec H100). Works in {@link step} only. */
export class CommandQueue {
  readonly registers = new QueueRegisters(STOPS | FENCE_W_IP);
  readonly #command = new Command();
  readonly #memory: UnitMemory;
  readonly #commands: Commands;
  readonly #interrupts: Interrupts;
  /** A device didn't answer an invalidation: the next fence finds out. */
  #hasTimedOut = false;

  constructor(memory: UnitMemory, commands: Commands, interrupts: Interrupts) {
    this.#memory = memory;
    this.#commands = commands;
    this.#interrupts = interrupts;
  }

  /** Executes everything up to the tail, or up to the first command that can't be. */
  step(): void {
    const { registers } = this;
    if (!registers.isOn) return;
    while (registers.head !== registers.tail && (registers.errors & STOPS) === 0) {
      const error = this.#execute(registers.base + registers.head * RISCV_COMMAND_BYTES);
      if (error !== 0) this.#raise(error);
      else registers.head = (registers.head + 1) & registers.mask;
    }
  }

  /** A cause that is still there raises its interrupt again. */
  renewInterrupt(): void {
    if (this.registers.errors !== 0 && this.registers.raisesInterrupts) this.#interrupts.raise(RiscvIpsr.CIP.lo);
  }

  /** 0, or the error that keeps the queue on this command. */
  #execute(at: number): number {
    if (!this.#memory.canAccess(at)) return CQMF;
    const command = this.#command;
    command.low0 = this.#memory.load32(at);
    command.high0 = this.#memory.load32(at + 4);
    command.low1 = this.#memory.load32(at + 8);
    command.high1 = this.#memory.load32(at + 12);
    if (command.opcode === RiscvOpcode.IOFENCE) return this.#fence(command);
    const outcome = this.#commands.execute(command);
    if (outcome === Outcome.DEVICE_TIMEOUT) this.#hasTimedOut = true;
    return outcome === Outcome.ILLEGAL ? CMD_ILL : 0;
  }

  /** Everything before it is done by now, for this queue works in order: it only has to say so. */
  #fence(command: Command): number {
    const { low0, high0, low1, high1 } = command;
    const isWellFormed = !hasReserved(low0, high0, RESERVED0) && !hasReserved(low1, high1, RESERVED1);
    if (command.func !== RiscvIofenceFunc.C || !isWellFormed) return CMD_ILL;
    if (this.#hasTimedOut) {
      this.#hasTimedOut = false;
      return CMD_TO;
    }
    if ((low0 & AV) !== 0) {
      const at = (high1 * 2 ** 32 + low1) * 4;
      if (!this.#memory.canAccess(at)) return CQMF;
      this.#memory.store32(at, high0);
    }
    if ((low0 & WSI) !== 0) this.#raise(FENCE_W_IP);
    return 0;
  }

  #raise(bit: number): void {
    this.registers.errors |= bit;
    if (this.registers.raisesInterrupts) this.#interrupts.raise(RiscvIpsr.CIP.lo);
  }
}
