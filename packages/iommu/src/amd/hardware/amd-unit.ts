import { IommuUsageError } from '../../core/errors.ts';
import type { AtsCompletion, AtsRequest, DeviceTlb } from '../../core/unit/ats.ts';
import type { DeviceRequest } from '../../core/unit/device-request.ts';
import type { IommuUnit, SendMessage } from '../../core/unit/iommu-unit.ts';
import { fillRequest, TranslationRequest } from '../../hardware/translation-request.ts';
import { UnitMemory } from '../../hardware/unit-memory.ts';
import type { TableMemory } from '../../page-table/table-memory.ts';
import { AmdFeatures } from '../features.ts';
import { Ats } from './ats.ts';
import { CommandBuffer } from './command-buffer.ts';
import { Commands } from './commands.ts';
import type { AmdDeviations } from './deviations.ts';
import { EventLog } from './event-log.ts';
import { RegisterFile } from './register-file.ts';
import { Translator } from './translator.ts';

/** Widest address that a table entry has room for (spec H35). */
const MOST_ADDRESS_BITS = 52;

export interface AmdUnitOptions {
  /** Memory that the tables and rings live in. */
  readonly memory: TableMemory;
  /** EFR register, 64 bits. */
  readonly efr: number | bigint;
  /** First dword of the unit's PCI capability: ATS and NpCache (spec H32). */
  readonly capability: number;
  /** Physical address width, 36 to 52: memory ends there. Default 52. */
  readonly hostAddressBits?: number;
  /** Whose behaviour where they differ. Default: the specification's. */
  readonly deviations?: AmdDeviations;
  /** 4 KiB translations in the IOTLB, a power of two. Default 4096. */
  readonly iotlbEntries?: number;
  /** False for a page that no memory backs; a table there is a hardware error. Default: every page answers. */
  readonly answers?: (phys: number) => boolean;
  /** Takes the unit's own interrupts: the address and data of a message write. */
  readonly interrupt?: SendMessage;
}

/**
 * An AMD I/O virtualisation unit: what devices' requests go through, and what a driver programs through registers and
 * memory. Registers answer at once; the unit reads its command buffer in {@link step} only, and tables when it translates.
 */
export class AmdUnit implements IommuUnit {
  readonly features: AmdFeatures;
  readonly #translator: Translator;
  readonly #ats: Ats;
  readonly #deviceTlbs = new Map<number, DeviceTlb>();
  readonly #commands: CommandBuffer;
  readonly #registers: RegisterFile;
  readonly #request = new TranslationRequest();

  /** @throws {IommuUsageError} when the address width is none */
  constructor(options: AmdUnitOptions) {
    const { hostAddressBits = MOST_ADDRESS_BITS, deviations = 'spec', iotlbEntries = 4096 } = options;
    if (!(hostAddressBits >= 36 && hostAddressBits <= MOST_ADDRESS_BITS)) {
      throw new IommuUsageError(`hostAddressBits is ${hostAddressBits}: it must be 36 to ${MOST_ADDRESS_BITS}`);
    }
    this.features = new AmdFeatures(options.efr, options.capability);
    const memory = new UnitMemory(options.memory, hostAddressBits, options.answers);
    const events = new EventLog(memory, deviations, () => this.#registers.raiseEvent());
    this.#translator = new Translator(memory, this.features, events, deviations, iotlbEntries);
    this.#ats = new Ats(this.#translator);
    const completed = () => this.#registers.raiseCompletion();
    const commands = new Commands(memory, this.features, this.#translator, this.#deviceTlbs, deviations, completed);
    this.#commands = new CommandBuffer(memory, commands, events, deviations);
    const send = options.interrupt ?? (() => {});
    this.#registers = new RegisterFile(options.efr, this.#commands, events, this.#translator, send);
  }

  /**
   * Physical address of that byte for an untranslated request without PASID; valid to the end of its 4 KiB page.
   * Negative: blocked, for the event code that it is the negative of (logged, unless the device's entry or a full log keeps
   * it out), or {@link AMD_BLOCKED}.
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

  /** Works off the command buffer. */
  step(): void {
    this.#commands.step();
  }

  /** The driver waits: the unit uses the time to work. */
  advance(_nanoseconds: number): void {
    this.step();
  }
}
