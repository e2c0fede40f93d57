import type { RegisterBacking } from '@dmalab/phys-memory';
import type { FaultMessage } from '../../core/unit/iommu-unit-driver.ts';
import { type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { halves, lowMask } from '../../spec/bits.ts';
import { Fsts, Gcmd, Iqa, Rtaddr, TranslationTableMode, VTD_REG } from '../../spec/vtd-registers.ts';
import { VtdCapabilities } from '../capabilities.ts';
import { VtdUnsupportedError } from './errors.ts';
import { InvalidationRequests } from './invalidation-requests.ts';
import { QueuedInvalidation } from './queued-invalidation.ts';

const SRTP = lowMask(Gcmd.SRTP);
const QIE = lowMask(Gcmd.QIE);
const TE = lowMask(Gcmd.TE);
const WBF = lowMask(Gcmd.WBF);
/** GSTS bits that a GCMD write must repeat (spec H120). */
const STATES = (TE | QIE | lowMask(Gcmd.IRE) | lowMask(Gcmd.CFI)) >>> 0;
const CLEAR_FAULTS = lowMask(Fsts.PFO) | lowMask(Fsts.IQE) | lowMask(Fsts.ICE) | lowMask(Fsts.ITE);
const POLL_NANOS = 1000;
const POLLS = 1_000_000;

/** The unit never showed the state that a command asked for. */
export class VtdCommandError extends Error {
  readonly code = 'ERR_VTD_COMMAND';
  readonly command: number;
  readonly status: number;

  constructor(command: number, status: number) {
    super(`the unit did not act on GCMD 0x${command.toString(16)}: GSTS is still 0x${status.toString(16)}`);
    this.name = 'VtdCommandError';
    this.command = command;
    this.status = status;
  }
}

/** A unit as its driver handles it: global commands and the invalidation queue (spec H15). Registers and memory only. */
export class UnitControl {
  readonly capabilities: VtdCapabilities;
  readonly scalable: boolean;
  readonly queue: QueuedInvalidation;
  readonly requests: InvalidationRequests;
  readonly #registers: RegisterBacking;

  /**
   * @param mode default: scalable where the unit has it
   * @param ring,status pages of the invalidation queue
   */
  constructor(
    registers: RegisterBacking,
    memory: WritableTables,
    mode: 'legacy' | 'scalable' | undefined,
    ring: number,
    status: number,
  ) {
    this.#registers = registers;
    this.capabilities = readCapabilities(registers);
    this.scalable = mode === undefined ? this.capabilities.scalable : mode === 'scalable';
    if (this.scalable && !this.capabilities.scalable) throw new VtdUnsupportedError('scalable mode');
    if (!this.capabilities.queuedInvalidation) throw new VtdUnsupportedError('invalidation queue');
    zeroTable(memory, ring);
    this.queue = new QueuedInvalidation(registers, memory, ring, status, this.scalable);
    this.requests = new InvalidationRequests(this.queue, this.capabilities);
  }

  /** Root table, queue, global invalidation, fault event, translation: one GCMD bit a write (spec H15). */
  enable(rootTable: number, faultMessage: FaultMessage | undefined): void {
    this.#setRootTable(rootTable);
    this.#enableQueue();
    if (!this.capabilities.invalidatesOnRootTable) this.#invalidateEverything();
    if (faultMessage !== undefined) this.#programFaultEvent(faultMessage);
    this.#registers.writeRegister(VTD_REG.FSTS, CLEAR_FAULTS);
    this.#set(TE);
  }

  /** Translation off: requests pass untranslated from here on (spec H15). */
  disable(): void {
    this.#clear(TE);
  }

  /** Tells a unit with write buffers that tables changed (spec H15, CAP.RWBF). */
  flushWriteBuffer(): void {
    if (!this.capabilities.writeBufferFlush) return;
    this.#registers.writeRegister(VTD_REG.GCMD, (this.#states() | WBF) >>> 0);
    this.#poll(WBF, 0);
  }

  #setRootTable(rootTable: number): void {
    const mode = this.scalable ? TranslationTableMode.SCALABLE : TranslationTableMode.LEGACY;
    this.#write64(VTD_REG.RTADDR, rootTable + mode * 2 ** Rtaddr.TTM.lo);
    this.#set(SRTP);
  }

  #enableQueue(): void {
    this.#write64(VTD_REG.IQT, 0);
    this.#write64(VTD_REG.IQA, this.queue.ring + (this.scalable ? lowMask(Iqa.DW) : 0));
    this.#set(QIE);
  }

  #invalidateEverything(): void {
    this.requests.allContexts();
    if (this.scalable) this.requests.allPasidEntries();
    this.requests.allTranslations();
    this.queue.finish();
  }

  #programFaultEvent({ address, data }: FaultMessage): void {
    this.#registers.writeRegister(VTD_REG.FEDATA, data);
    this.#registers.writeRegister(VTD_REG.FEADDR, address >>> 0);
    this.#registers.writeRegister(VTD_REG.FEUADDR, Math.floor(address / 2 ** 32));
    this.#registers.writeRegister(VTD_REG.FECTL, 0);
  }

  /** One command or state more; every other state is repeated (spec H120). */
  #set(bit: number): void {
    this.#registers.writeRegister(VTD_REG.GCMD, (this.#states() | bit) >>> 0);
    this.#poll(bit, bit);
  }

  #clear(bit: number): void {
    this.#registers.writeRegister(VTD_REG.GCMD, (this.#states() & ~bit) >>> 0);
    this.#poll(bit, 0);
  }

  #states(): number {
    return (this.#registers.readRegister(VTD_REG.GSTS) & STATES) >>> 0;
  }

  #poll(bit: number, wanted: number): void {
    let status = 0;
    for (let poll = 0; poll < POLLS; poll++) {
      status = this.#registers.readRegister(VTD_REG.GSTS);
      if (((status & bit) ^ wanted) === 0) return;
      this.#registers.advance(POLL_NANOS);
    }
    throw new VtdCommandError(bit, status);
  }

  #write64(offset: number, value: number): void {
    this.#registers.writeRegister(offset, value >>> 0);
    this.#registers.writeRegister(offset + 4, Math.floor(value / 2 ** 32));
  }
}

function readCapabilities(registers: RegisterBacking): VtdCapabilities {
  return new VtdCapabilities(read64(registers, VTD_REG.CAP), read64(registers, VTD_REG.ECAP));
}

function read64(registers: RegisterBacking, offset: number): bigint {
  const low = registers.readRegister(offset);
  return (BigInt(registers.readRegister(offset + 4)) << 32n) | BigInt(halves(low).low);
}
