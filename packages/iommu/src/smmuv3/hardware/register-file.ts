import type { DeviceTlb } from '../../core/unit/ats.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { get, lowMask } from '../../spec/bits.ts';
import { SMMU_REG, SmmuCr0, SmmuGbpa } from '../../spec/smmuv3-registers.ts';
import type { SmmuCapabilities, SmmuIdRegisters } from '../capabilities.ts';
import { CommandQueue } from './command-queue.ts';
import { Commands } from './commands.ts';
import type { SmmuDeviations } from './deviations.ts';
import { EventQueue } from './event-queue.ts';
import { GlobalErrors } from './global-errors.ts';
import { Translator } from './translator.ts';
import type { UnitInterrupts } from './unit-interrupts.ts';

const WORDS = 0x100 / 4;
const PAGE_1 = 0x10000;
/** AIDR: architecture revision, what QEMU reports (spec H110). */
const REVISION = 1;
/** GBPA after reset: the shareability that comes with the request (spec H110). */
const GBPA_RESET = 0x1000;
const CR0_BITS =
  lowMask(SmmuCr0.SMMUEN) | lowMask(SmmuCr0.EVENTQEN) | lowMask(SmmuCr0.CMDQEN) | lowMask(SmmuCr0.ATSCHK);
/** Registers that only keep what was written. */
const STORED: readonly number[] = [
  SMMU_REG.CR1,
  SMMU_REG.CR2,
  SMMU_REG.STRTAB_BASE,
  SMMU_REG.STRTAB_BASE + 4,
  SMMU_REG.STRTAB_BASE_CFG,
  SMMU_REG.CMDQ_BASE,
  SMMU_REG.CMDQ_BASE + 4,
  SMMU_REG.EVENTQ_BASE,
  SMMU_REG.EVENTQ_BASE + 4,
];

/**
 * The registers of a unit by offset (spec H57): reads answer from state, writes say what they change at once. The pointers
 * of the event queue are in page 1, and at the same offsets of page 0.
 */
export class RegisterFile {
  readonly commands: CommandQueue;
  readonly translator: Translator;
  readonly #events: EventQueue;
  readonly #errors: GlobalErrors;
  readonly #interrupts: UnitInterrupts;
  readonly #words = new Uint32Array(WORDS);

  constructor(
    ids: SmmuIdRegisters,
    capabilities: SmmuCapabilities,
    memory: UnitMemory,
    interrupts: UnitInterrupts,
    deviceTlbs: ReadonlyMap<number, DeviceTlb>,
    options: { readonly deviations: SmmuDeviations; readonly tlbEntries: number },
  ) {
    const { deviations, tlbEntries } = options;
    const { eventQueueBits, commandQueueBits } = capabilities;
    this.#interrupts = interrupts;
    this.#errors = new GlobalErrors(interrupts);
    this.#events = new EventQueue(memory, eventQueueBits, this.#errors, interrupts, deviations);
    this.translator = new Translator(memory, capabilities, this.#events, deviations, tlbEntries);
    const commands = new Commands(this.translator, capabilities, deviceTlbs, interrupts, deviations);
    this.commands = new CommandQueue(memory, commandQueueBits, commands, this.#errors);
    this.#words[SMMU_REG.IDR0 >>> 2] = ids.idr0;
    this.#words[SMMU_REG.IDR1 >>> 2] = ids.idr1;
    this.#words[SMMU_REG.IDR3 >>> 2] = ids.idr3;
    this.#words[SMMU_REG.IDR5 >>> 2] = ids.idr5;
    this.#words[SMMU_REG.AIDR >>> 2] = REVISION;
    this.#words[SMMU_REG.GBPA >>> 2] = GBPA_RESET;
  }

  read(offset: number): number {
    switch (offset | PAGE_1) {
      case SMMU_REG.EVENTQ_PROD:
        return this.#events.producer;
      case SMMU_REG.EVENTQ_CONS:
        return this.#events.consumer;
    }
    switch (offset) {
      case SMMU_REG.CMDQ_PROD:
        return this.commands.producer;
      case SMMU_REG.CMDQ_CONS:
        return this.commands.consumer;
      case SMMU_REG.CR0ACK:
        return this.#words[SMMU_REG.CR0 >>> 2];
      case SMMU_REG.IRQ_CTRL:
      case SMMU_REG.IRQ_CTRLACK:
        return this.#interrupts.control;
      case SMMU_REG.GERROR:
        return this.#errors.state;
      case SMMU_REG.GERRORN:
        return this.#errors.acknowledged;
      default:
        return this.#interrupts.read(offset) ?? (offset >= 0 && offset < WORDS * 4 ? this.#words[offset >>> 2] : 0);
    }
  }

  write(offset: number, value: number): void {
    switch (offset | PAGE_1) {
      case SMMU_REG.EVENTQ_PROD:
        this.#events.setProducer(value);
        return;
      case SMMU_REG.EVENTQ_CONS:
        this.#events.setConsumer(value);
        return;
    }
    switch (offset) {
      case SMMU_REG.CMDQ_PROD:
        this.commands.setProducer(value);
        break;
      case SMMU_REG.CMDQ_CONS:
        this.commands.setConsumer(value);
        break;
      case SMMU_REG.CR0:
        this.#control(value & CR0_BITS);
        break;
      case SMMU_REG.GBPA:
        this.#bypassAttributes(value);
        break;
      case SMMU_REG.IRQ_CTRL:
        this.#interrupts.setControl(value);
        break;
      case SMMU_REG.GERRORN:
        this.#errors.acknowledged = value >>> 0;
        break;
      default:
        if (!this.#interrupts.write(offset, value >>> 0) && STORED.includes(offset)) this.#store(offset, value >>> 0);
    }
  }

  #store(offset: number, value: number): void {
    const words = this.#words;
    words[offset >>> 2] = value;
    const at = (register: number): [number, number] => [words[register >>> 2], words[(register + 4) >>> 2]];
    if (offset >>> 3 === SMMU_REG.STRTAB_BASE >>> 3) this.translator.streams.setBase(...at(SMMU_REG.STRTAB_BASE));
    if (offset === SMMU_REG.STRTAB_BASE_CFG) this.translator.streams.setConfig(value);
    if (offset >>> 3 === SMMU_REG.CMDQ_BASE >>> 3) this.commands.setBase(...at(SMMU_REG.CMDQ_BASE));
    if (offset >>> 3 === SMMU_REG.EVENTQ_BASE >>> 3) this.#events.setBase(...at(SMMU_REG.EVENTQ_BASE));
  }

  /** Takes effect at once, so CR0ACK never lags (spec H57). */
  #control(value: number): void {
    const changed = this.#words[SMMU_REG.CR0 >>> 2] ^ value;
    this.#words[SMMU_REG.CR0 >>> 2] = value;
    this.commands.setEnabled(get(value, 0, SmmuCr0.CMDQEN) === 1);
    this.#events.setEnabled(get(value, 0, SmmuCr0.EVENTQEN) === 1);
    this.translator.checksTranslated = get(value, 0, SmmuCr0.ATSCHK) === 1;
    if ((changed & lowMask(SmmuCr0.SMMUEN)) !== 0) this.translator.setEnabled(get(value, 0, SmmuCr0.SMMUEN) === 1);
  }

  /** Without UPDATE nothing is taken; with it, at once, so UPDATE is never read as set (spec H57). */
  #bypassAttributes(value: number): void {
    if (get(value, 0, SmmuGbpa.UPDATE) === 0) return;
    this.#words[SMMU_REG.GBPA >>> 2] = value & (lowMask(SmmuGbpa.ATTRIBUTES) | lowMask(SmmuGbpa.ABORT));
    this.translator.abortsWhenOff = get(value, 0, SmmuGbpa.ABORT) === 1;
  }
}
