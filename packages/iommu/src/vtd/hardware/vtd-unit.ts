import { IommuUsageError } from '../../core/errors.ts';
import type { AtsCompletion, AtsRequest, DeviceTlb } from '../../core/unit/ats.ts';
import type { DeviceRequest } from '../../core/unit/device-request.ts';
import type { IommuUnit, SendMessage } from '../../core/unit/iommu-unit.ts';
import { fillRequest, TranslationRequest } from '../../hardware/translation-request.ts';
import { UnitMemory } from '../../hardware/unit-memory.ts';
import type { TableMemory } from '../../page-table/table-memory.ts';
import { VtdCapabilities } from '../capabilities.ts';
import { Ats } from './ats.ts';
import type { FaultCodes } from './fault-reasons.ts';
import { RegisterFile } from './register-file.ts';
import { Translator } from './translator.ts';

/** Widest address that a table entry has room for (spec H18). */
const MOST_ADDRESS_BITS = 52;

export interface VtdUnitOptions {
  /** Memory that the tables and queues live in. */
  readonly memory: TableMemory;
  /** CAP register, 64 bits. */
  readonly cap: number | bigint;
  /** ECAP register, 64 bits. */
  readonly ecap: number | bigint;
  /** Physical address width, 36 to 52: bits from there on are reserved in entries. Default: that of CAP.MGAW. */
  readonly hostAddressBits?: number;
  /** Whose fault reasons to report. Default: the specification's. */
  readonly faultCodes?: FaultCodes;
  /** 4 KiB translations in the IOTLB, a power of two. Default 4096. */
  readonly iotlbEntries?: number;
  /** False for a page that no memory backs; a table there is an access error. Default: every page answers. */
  readonly answers?: (phys: number) => boolean;
  /** Takes the unit's own interrupts: the address and data of a message write. */
  readonly interrupt?: SendMessage;
}

/**
 * An Intel VT-d remapping unit: what devices' requests go through, and what a driver programs through registers and
 * memory. Registers answer at once; the unit reads its queue in {@link step} only, and tables when it translates.
 */
export class VtdUnit implements IommuUnit {
  readonly capabilities: VtdCapabilities;
  readonly #translator: Translator;
  readonly #ats: Ats;
  readonly #deviceTlbs = new Map<number, DeviceTlb>();
  readonly #registers: RegisterFile;
  readonly #request = new TranslationRequest();

  /** @throws {IommuUsageError} when the address width is none */
  constructor(options: VtdUnitOptions) {
    this.capabilities = new VtdCapabilities(options.cap, options.ecap);
    const hostAddressBits = options.hostAddressBits ?? Math.min(this.capabilities.guestAddressBits, MOST_ADDRESS_BITS);
    if (!(hostAddressBits >= 36 && hostAddressBits <= MOST_ADDRESS_BITS)) {
      throw new IommuUsageError(`hostAddressBits is ${hostAddressBits}: it must be 36 to ${MOST_ADDRESS_BITS}`);
    }
    const memory = new UnitMemory(options.memory, hostAddressBits, options.answers);
    const send = options.interrupt ?? (() => {});
    this.#translator = new Translator(memory, this.capabilities, {
      hostAddressBits,
      faultCodes: options.faultCodes ?? 'spec',
      iotlbEntries: options.iotlbEntries ?? 4096,
      send,
    });
    this.#ats = new Ats(this.#translator);
    this.#registers = new RegisterFile(options, this.capabilities, memory, this.#translator, this.#deviceTlbs, send);
  }

  /**
   * Physical address of that byte for an untranslated request without PASID; valid to the end of its 4 KiB page.
   * Negative: blocked, for the fault reason that it is the negative of (recorded, unless FPD or a pending record of the
   * same source keeps it out), or {@link VTD_BLOCKED}.
   * @param isWrite 0 for a read, 1 for a write
   */
  translate(sourceId: number, address: number, isWrite: 0 | 1): number {
    return this.#translator.translate(sourceId, address, isWrite);
  }

  /** Like {@link translate}, for requests with a PASID, atomics, fetches, supervisor and translated requests. */
  translateRequest(request: DeviceRequest): number {
    if (!this.#translator.enabled) return request.address;
    return this.#translator.translateRequest(fillRequest(this.#request, request));
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

  /** Works off the invalidation queue. */
  step(): void {
    this.#registers.queue.step();
  }

  /** The driver waits: the unit uses the time to work. */
  advance(_nanoseconds: number): void {
    this.step();
  }
}
