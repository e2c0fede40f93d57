import { IommuUsageError } from '../../core/errors.ts';
import type { AtsCompletion, AtsRequest, DeviceTlb } from '../../core/unit/ats.ts';
import type { DeviceRequest } from '../../core/unit/device-request.ts';
import type { IommuUnit, SendMessage } from '../../core/unit/iommu-unit.ts';
import { UnitMemory } from '../../hardware/unit-memory.ts';
import type { TableMemory } from '../../page-table/table-memory.ts';
import { SmmuCapabilities, type SmmuIdRegisters } from '../capabilities.ts';
import { Ats } from './ats.ts';
import type { SmmuDeviations } from './deviations.ts';
import { RegisterFile } from './register-file.ts';
import { SmmuRequest } from './request.ts';
import type { Translator } from './translator.ts';
import { type SmmuWire, UnitInterrupts } from './unit-interrupts.ts';

export interface SmmuV3UnitOptions extends SmmuIdRegisters {
  /** Memory that the tables and queues live in. */
  readonly memory: TableMemory;
  /** Whose ways the unit has. Default: the specification's. */
  readonly deviations?: SmmuDeviations;
  /** 4 KiB translations in the TLB, a power of two. Default 4096. */
  readonly tlbEntries?: number;
  /** False for a page that no memory backs; a table there is an external abort. Default: every page answers. */
  readonly answers?: (phys: number) => boolean;
  /** Takes the unit's own message writes. Default: stores their data in memory, where a driver may poll for it. */
  readonly interrupt?: SendMessage;
  /** Takes the pulses of the unit's wires: causes that no message is programmed for. */
  readonly wire?: (wire: SmmuWire) => void;
}

/**
 * An Arm SMMUv3: what devices' requests go through, and what a driver programs through registers and memory. Registers
 * answer at once; the unit reads its commands in {@link step} only, and tables when it translates.
 */
export class SmmuV3Unit implements IommuUnit {
  readonly capabilities: SmmuCapabilities;
  readonly #translator: Translator;
  readonly #registers: RegisterFile;
  readonly #ats: Ats;
  readonly #deviceTlbs = new Map<number, DeviceTlb>();
  readonly #request = new SmmuRequest();

  /** @throws {IommuUsageError} for id registers of a unit that this model can't be */
  constructor(options: SmmuV3UnitOptions) {
    const { memory, deviations = 'spec', tlbEntries = 4096, wire = () => {} } = options;
    this.capabilities = new SmmuCapabilities(options);
    if (!this.capabilities.aarch64Tables || !this.capabilities.neverStalls) {
      throw new IommuUsageError(
        `IDR0 0x${options.idr0.toString(16)}: this model reads AArch64 tables (TTF 2 or 3) and never stalls (STALL_MODEL 1)`,
      );
    }
    const send = options.interrupt ?? ((address: number, data: number) => memory.store32(address, data));
    const interrupts = new UnitInterrupts(this.capabilities.messages, send, wire);
    const seen = new UnitMemory(memory, this.capabilities.outputBits, options.answers);
    const ways = { deviations, tlbEntries };
    this.#registers = new RegisterFile(options, this.capabilities, seen, interrupts, this.#deviceTlbs, ways);
    this.#translator = this.#registers.translator;
    this.#ats = new Ats(this.#translator);
  }

  /**
   * Physical address of that byte for an untranslated request without substream; valid to the end of its 4 KiB page.
   * Negative: blocked, for the event id that it is the negative of (recorded, unless CD.R or STE.S2R keeps it out), or
   * {@link SMMU_BLOCKED}.
   * @param sourceId stream id, which on PCI is the requester id (spec H60)
   * @param isWrite 0 for a read, 1 for a write
   */
  translate(sourceId: number, address: number, isWrite: 0 | 1): number {
    return this.#translator.translate(sourceId, address, isWrite);
  }

  /** Like {@link translate}, for requests with a substream (PASID), atomics, fetches, privileged and translated requests. */
  translateRequest(request: DeviceRequest): number {
    this.#request.set(request);
    return this.#translator.translateRequest(this.#request);
  }

  /** Answers an ATS translation request (spec H11). With translation off there is no ATS: unsupported. */
  requestTranslation(request: AtsRequest): AtsCompletion {
    return this.#ats.requestTranslation(request);
  }

  /** Takes part in invalidations from now on: the cache that a device keeps of its ATS translations (spec H11). */
  attachDeviceTlb(sourceId: number, deviceTlb: DeviceTlb): void {
    this.#deviceTlbs.set(sourceId, deviceTlb);
  }

  detachDeviceTlb(sourceId: number): void {
    this.#deviceTlbs.delete(sourceId);
  }

  readRegister(offset: number): number {
    return this.#registers.read(offset);
  }

  writeRegister(offset: number, value: number): void {
    this.#registers.write(offset, value);
  }

  /** Works off the command queue. */
  step(): void {
    this.#registers.commands.step();
  }

  /** The driver waits: the unit uses the time to work. */
  advance(_nanoseconds: number): void {
    this.step();
  }
}
