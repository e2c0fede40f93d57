import type { RegisterBacking } from '@dmalab/phys-memory';
import type { FaultMessage } from '../../core/unit/iommu-unit-driver.ts';
import { AMD_REG, AmdControl, AmdStatus } from '../../spec/amd-registers.ts';
import { lowMask } from '../../spec/bits.ts';
import { AmdFeatures } from '../features.ts';
import { COMMAND_RING_LENGTH } from './command-queue.ts';
import { AmdTimeoutError } from './errors.ts';

const RUNNING = lowMask(AmdStatus.EVENT_LOG_RUN) | lowMask(AmdStatus.CMD_BUF_RUN);
const POLL_NANOS = 1000;
const POLLS = 1_000_000;

/** Where the unit's tables and rings are. */
export interface UnitTables {
  readonly deviceTable: number;
  readonly deviceTablePages: number;
  readonly commandRing: number;
  readonly eventRing: number;
}

/** A unit as its driver handles it: bases, pointers and the control register (spec H33). Registers only. */
export class UnitControl {
  readonly features: AmdFeatures;
  readonly #registers: RegisterBacking;

  /** @param capability first dword of the unit's PCI capability, which is not among its registers */
  constructor(registers: RegisterBacking, capability: number) {
    this.#registers = registers;
    const efr = BigInt(registers.readRegister(AMD_REG.EFR));
    const efrHigh = BigInt(registers.readRegister(AMD_REG.EFR + 4));
    this.features = new AmdFeatures((efrHigh << 32n) | efr, capability);
  }

  /** Off, bases and pointers, then everything on at once (spec H33). */
  enable(tables: UnitTables, message: FaultMessage | undefined): void {
    this.disable();
    this.#write64(AMD_REG.DEVICE_TABLE, tables.deviceTable + tables.deviceTablePages - 1);
    this.#writeRing(AMD_REG.COMMAND_BUFFER, tables.commandRing, AMD_REG.COMMAND_HEAD, AMD_REG.COMMAND_TAIL);
    this.#writeRing(AMD_REG.EVENT_LOG, tables.eventRing, AMD_REG.EVENT_HEAD, AMD_REG.EVENT_TAIL);
    if (message !== undefined && this.features.messageRegisters) this.#programMessage(message);
    this.#registers.writeRegister(AMD_REG.STATUS, lowMask(AmdStatus.EVENT_OVERFLOW) | lowMask(AmdStatus.EVENT_LOG_INT));
    this.#write64(AMD_REG.CONTROL, this.#features(message !== undefined));
    this.#awaitRunning();
  }

  /** Requests pass untranslated from here on. */
  disable(): void {
    this.#write64(AMD_REG.CONTROL, 0);
  }

  #features(interrupts: boolean): number {
    const on = [AmdControl.EVENT_LOG_EN, AmdControl.CMD_BUF_EN, AmdControl.COHERENT, AmdControl.IOMMU_EN];
    if (interrupts) on.push(AmdControl.EVENT_INT_EN);
    if (this.features.guestLevels > 0) on.push(AmdControl.GT_EN);
    return on.reduce((sum, field) => sum + lowMask(field), 0);
  }

  #writeRing(base: number, ring: number, head: number, tail: number): void {
    this.#registers.writeRegister(base, ring >>> 0);
    this.#registers.writeRegister(base + 4, Math.floor(ring / 2 ** 32) + COMMAND_RING_LENGTH * 2 ** 24);
    this.#write64(head, 0);
    this.#write64(tail, 0);
  }

  #programMessage({ address, data }: FaultMessage): void {
    this.#registers.writeRegister(AMD_REG.MSI_ADDRESS_LOW, address >>> 0);
    this.#registers.writeRegister(AMD_REG.MSI_ADDRESS_HIGH, Math.floor(address / 2 ** 32));
    this.#registers.writeRegister(AMD_REG.MSI_DATA, data);
  }

  #awaitRunning(): void {
    let status = 0;
    for (let poll = 0; poll < POLLS; poll++) {
      status = this.#registers.readRegister(AMD_REG.STATUS);
      if ((status & RUNNING) === RUNNING) return;
      this.#registers.advance(POLL_NANOS);
    }
    throw new AmdTimeoutError('starting', status);
  }

  #write64(offset: number, value: number): void {
    this.#registers.writeRegister(offset, value >>> 0);
    this.#registers.writeRegister(offset + 4, Math.floor(value / 2 ** 32));
  }
}
