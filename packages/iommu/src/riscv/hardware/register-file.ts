import type { DeviceTlb } from '../../core/unit/ats.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get, halves, lowMask } from '../../spec/bits.ts';
import { RISCV_MSI_ENTRIES, RISCV_REG, RiscvDdtp, RiscvDdtpMode, RiscvFctl } from '../../spec/riscv-registers.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import { CommandQueue } from './command-queue.ts';
import { Commands } from './commands.ts';
import { DebugTranslation } from './debug-translation.ts';
import type { FaultQueue } from './fault-queue.ts';
import type { Interrupts } from './interrupts.ts';
import { QueueRegisters } from './queue-registers.ts';
import type { Translator } from './translator.ts';

const WSI = lowMask(RiscvFctl.WSI);
const DDTP_LOW = lowMask(RiscvDdtp.MODE) | lowMask(RiscvDdtp.PPN);
const MSI_TABLE_END = RISCV_REG.MSI_CFG_TBL + 16 * RISCV_MSI_ENTRIES;
/** Errors of the page request queue, which none ever sets. */
const NO_ERRORS = 0;

/** The registers of a unit by offset (spec H90): reads answer from state, writes say what they change at once. */
export class RegisterFile {
  readonly commands: CommandQueue;
  readonly debug: DebugTranslation;
  readonly #faults: FaultQueue;
  readonly #pageRequests = new QueueRegisters(NO_ERRORS);
  readonly #interrupts: Interrupts;
  readonly #translator: Translator;
  readonly #capabilities: RiscvCapabilities;
  readonly #capabilityWords: { readonly low: number; readonly high: number };
  #ddtpLow = 0;
  #ddtpHigh = 0;

  constructor(
    value: number | bigint,
    capabilities: RiscvCapabilities,
    memory: UnitMemory,
    translator: Translator,
    faults: FaultQueue,
    interrupts: Interrupts,
    deviceTlbs: ReadonlyMap<number, DeviceTlb>,
  ) {
    this.#capabilityWords = halves(value);
    this.#capabilities = capabilities;
    this.#translator = translator;
    this.#faults = faults;
    this.#interrupts = interrupts;
    interrupts.usesWires = !capabilities.messageInterrupts;
    const commands = new Commands(translator.caches, translator.contexts, capabilities, deviceTlbs);
    this.commands = new CommandQueue(memory, commands, interrupts);
    this.debug = new DebugTranslation(translator);
  }

  read(offset: number): number {
    if (offset >= RISCV_REG.MSI_CFG_TBL && offset < MSI_TABLE_END) return this.#interrupts.readTable(offset);
    switch (offset) {
      case RISCV_REG.CAPABILITIES:
        return this.#capabilityWords.low;
      case RISCV_REG.CAPABILITIES + 4:
        return this.#capabilityWords.high;
      case RISCV_REG.FCTL:
        return this.#interrupts.usesWires ? WSI : 0;
      case RISCV_REG.DDTP:
        return this.#ddtpLow;
      case RISCV_REG.DDTP + 4:
        return this.#ddtpHigh;
      case RISCV_REG.IPSR:
        return this.#interrupts.pending;
      case RISCV_REG.ICVEC:
        return this.#interrupts.vectors;
      default:
        return this.#readQueue(offset);
    }
  }

  write(offset: number, value: number): void {
    if (offset >= RISCV_REG.MSI_CFG_TBL && offset < MSI_TABLE_END) {
      this.#interrupts.writeTable(offset, value);
      return;
    }
    switch (offset) {
      case RISCV_REG.FCTL:
        if (this.#capabilities.wiredInterrupts && this.#capabilities.messageInterrupts) {
          this.#interrupts.usesWires = (value & WSI) !== 0;
        }
        break;
      case RISCV_REG.DDTP:
      case RISCV_REG.DDTP + 4:
        this.#setDirectory(offset === RISCV_REG.DDTP, value);
        break;
      case RISCV_REG.IPSR:
        this.#interrupts.clear(value);
        this.commands.renewInterrupt();
        this.#faults.renewInterrupt();
        break;
      case RISCV_REG.ICVEC:
        this.#interrupts.vectors = value & 0xffff;
        break;
      default:
        this.#writeQueue(offset, value);
    }
  }

  /** From one directory to another the way leads through OFF or BARE: other modes aren't taken (spec H91). */
  #setDirectory(isLow: boolean, value: number): void {
    if (!isLow) this.#ddtpHigh = value & 0x3f_ffff;
    else {
      const mode = get(value, 0, RiscvDdtp.MODE);
      const before = get(this.#ddtpLow, 0, RiscvDdtp.MODE);
      const isSwap = mode !== before && mode > RiscvDdtpMode.BARE && before > RiscvDdtpMode.BARE;
      if (mode > RiscvDdtpMode.LEVELS_3 || isSwap) return;
      this.#ddtpLow = (value & DDTP_LOW) >>> 0;
    }
    const root = get(this.#ddtpLow, this.#ddtpHigh, RiscvDdtp.PPN) * 4096;
    this.#translator.setDirectory(get(this.#ddtpLow, 0, RiscvDdtp.MODE), root);
  }

  #readQueue(offset: number): number {
    const { registers: commands } = this.commands;
    const { registers: faults } = this.#faults;
    switch (offset) {
      case RISCV_REG.CQH:
        return commands.head;
      case RISCV_REG.CQT:
        return commands.tail;
      case RISCV_REG.FQH:
        return faults.head;
      case RISCV_REG.FQT:
        return faults.tail;
      case RISCV_REG.PQH:
        return this.#pageRequests.head;
      case RISCV_REG.CQCSR:
        return commands.control;
      case RISCV_REG.FQCSR:
        return faults.control;
      case RISCV_REG.PQCSR:
        return this.#pageRequests.control;
      default:
        return this.#queueWithBaseAt(offset)?.readBase(offset % 8 === 4) ?? this.#readDebug(offset);
    }
  }

  #writeQueue(offset: number, value: number): void {
    const { registers: commands } = this.commands;
    const { registers: faults } = this.#faults;
    switch (offset) {
      case RISCV_REG.CQT:
        commands.tail = value & commands.mask;
        break;
      case RISCV_REG.FQH:
        faults.head = value & faults.mask;
        break;
      case RISCV_REG.PQH:
        this.#pageRequests.head = value & this.#pageRequests.mask;
        break;
      case RISCV_REG.CQCSR:
        commands.writeControl(value);
        break;
      case RISCV_REG.FQCSR:
        faults.writeControl(value);
        break;
      case RISCV_REG.PQCSR:
        this.#pageRequests.writeControl(value);
        break;
      default: {
        const queue = this.#queueWithBaseAt(offset);
        if (queue !== undefined) queue.writeBase(offset % 8 === 4, value);
        else if (this.#capabilities.debug) this.debug.write(offset, value);
      }
    }
  }

  #queueWithBaseAt(offset: number): QueueRegisters | undefined {
    switch (offset - (offset % 8)) {
      case RISCV_REG.CQB:
        return this.commands.registers;
      case RISCV_REG.FQB:
        return this.#faults.registers;
      case RISCV_REG.PQB:
        return this.#capabilities.ats ? this.#pageRequests : undefined;
      default:
        return undefined;
    }
  }

  #readDebug(offset: number): number {
    return this.#capabilities.debug ? this.debug.read(offset) : 0;
  }
}
