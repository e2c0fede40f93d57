import type { RegisterBacking } from '@dmalab/phys-memory';
import type { FaultMessage } from '../../core/unit/iommu-unit-driver.ts';
import { get, highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import {
  RISCV_REG,
  RiscvDdtp,
  RiscvDdtpMode,
  RiscvFctl,
  RiscvFqcsr,
  RiscvIcvec,
  RiscvQueueBase,
} from '../../spec/riscv-registers.ts';
import { RiscvCapabilities } from '../capabilities.ts';
import { RiscvRegisterError, RiscvUnsupportedError } from './errors.ts';

/** The same bits in the control registers of all queues. */
const ENABLE = lowMask(RiscvFqcsr.FQEN);
const INTERRUPT_ENABLE = lowMask(RiscvFqcsr.FIE);
const ON = lowMask(RiscvFqcsr.FQON);
const QUEUE_BUSY = lowMask(RiscvFqcsr.BUSY);
const DDTP_BUSY = lowMask(RiscvDdtp.BUSY);
/** Vector, and entry of the MSI table, of faults. */
const FAULT_VECTOR = 1;
const POLL_NANOS = 1000;
const POLLS = 1_000_000;

/** A queue's registers: where its memory is, and how it is turned on. */
export interface QueueSetup {
  readonly baseRegister: number;
  readonly controlRegister: number;
  /** The index that software owns, which starts at 0. */
  readonly indexRegister: number;
  readonly phys: number;
  /** log2 of the entries, minus one. */
  readonly sizeField: number;
}

/** A unit as its driver handles it: queues, directory mode and interrupts (spec H91). Registers only. */
export class UnitControl {
  readonly capabilities: RiscvCapabilities;
  readonly #registers: RegisterBacking;

  constructor(registers: RegisterBacking) {
    this.#registers = registers;
    const low = registers.readRegister(RISCV_REG.CAPABILITIES);
    this.capabilities = new RiscvCapabilities(
      (BigInt(registers.readRegister(RISCV_REG.CAPABILITIES + 4)) << 32n) | BigInt(low),
    );
  }

  /** Nothing passes from here on: the way to another directory leads through OFF (spec H91). */
  turnOff(): void {
    this.#setDirectory(RiscvDdtpMode.OFF, 0);
  }

  /** Requests pass untranslated. */
  setBare(): void {
    this.#setDirectory(RiscvDdtpMode.BARE, 0);
  }

  /**
   * The deepest directory that the unit takes: it keeps another mode when it doesn't (spec H91).
   * @param rootFor the root of a directory of so many levels
   * @throws {RiscvUnsupportedError} when it takes none
   */
  setDeepestDirectory(rootFor: (levels: number) => number): void {
    for (let levels = 3; levels > 0; levels--) {
      const mode = RiscvDdtpMode.LEVELS_1 + levels - 1;
      if (this.#setDirectory(mode, rootFor(levels)) === mode) return;
      this.turnOff();
    }
    throw new RiscvUnsupportedError('device directory');
  }

  enableQueue(
    { baseRegister, controlRegister, indexRegister, phys, sizeField }: QueueSetup,
    interrupts: boolean,
  ): void {
    const page = phys / 4096;
    this.#registers.writeRegister(controlRegister, 0);
    this.#poll(controlRegister, ON | QUEUE_BUSY, 0);
    this.#registers.writeRegister(baseRegister, (lowHalf(RiscvQueueBase.PPN, page) | sizeField) >>> 0);
    this.#registers.writeRegister(baseRegister + 4, highHalf(RiscvQueueBase.PPN, page));
    this.#registers.writeRegister(indexRegister, 0);
    this.#registers.writeRegister(controlRegister, ENABLE | (interrupts ? INTERRUPT_ENABLE : 0));
    this.#poll(controlRegister, ON | QUEUE_BUSY, ON);
  }

  /** Faults as messages. @throws {RiscvUnsupportedError} when the unit only has wires */
  programFaultMessage({ address, data }: FaultMessage): void {
    if (!this.capabilities.messageInterrupts) throw new RiscvUnsupportedError('message interrupts');
    const entry = RISCV_REG.MSI_CFG_TBL + 16 * FAULT_VECTOR;
    const fctl = this.#registers.readRegister(RISCV_REG.FCTL);
    this.#registers.writeRegister(RISCV_REG.FCTL, (fctl & ~lowMask(RiscvFctl.WSI)) >>> 0);
    this.#registers.writeRegister(RISCV_REG.ICVEC, lowHalf(RiscvIcvec.FIV, FAULT_VECTOR));
    this.#registers.writeRegister(entry, address >>> 0);
    this.#registers.writeRegister(entry + 4, Math.floor(address / 2 ** 32));
    this.#registers.writeRegister(entry + 8, data);
    this.#registers.writeRegister(entry + 12, 0);
  }

  /** High half first: the mode, which sets the whole off, is in the low one. Returns the mode that the unit took. */
  #setDirectory(mode: number, root: number): number {
    const page = root / 4096;
    this.#registers.writeRegister(RISCV_REG.DDTP + 4, highHalf(RiscvDdtp.PPN, page));
    this.#registers.writeRegister(RISCV_REG.DDTP, (lowHalf(RiscvDdtp.PPN, page) | lowHalf(RiscvDdtp.MODE, mode)) >>> 0);
    return get(this.#poll(RISCV_REG.DDTP, DDTP_BUSY, 0), 0, RiscvDdtp.MODE);
  }

  /** Waits until those bits have that value; returns the register. */
  #poll(offset: number, mask: number, wanted: number): number {
    let value = 0;
    for (let poll = 0; poll < POLLS; poll++) {
      value = this.#registers.readRegister(offset);
      if (((value & mask) ^ wanted) === 0) return value;
      this.#registers.advance(POLL_NANOS);
    }
    throw new RiscvRegisterError(offset, value);
  }
}
