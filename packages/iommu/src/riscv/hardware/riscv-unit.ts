import { IommuUsageError } from '../../core/errors.ts';
import type { AtsCompletion, AtsRequest, DeviceTlb } from '../../core/unit/ats.ts';
import type { DeviceRequest } from '../../core/unit/device-request.ts';
import type { IommuUnit, SendMessage } from '../../core/unit/iommu-unit.ts';
import { UnitMemory } from '../../hardware/unit-memory.ts';
import type { TableMemory } from '../../page-table/table-memory.ts';
import { RiscvCapabilities } from '../capabilities.ts';
import type { RiscvDeviations } from './deviations.ts';
import { FaultQueue } from './fault-queue.ts';
import { type DriveWire, Interrupts } from './interrupts.ts';
import { RegisterFile } from './register-file.ts';
import { Request } from './request.ts';
import { Translator } from './translator.ts';

/** The model's limit for physical addresses. */
const MOST_ADDRESS_BITS = 52;

export interface RiscvUnitOptions {
  /** Memory that the tables and queues live in. */
  readonly memory: TableMemory;
  /** `capabilities` register, 64 bits. */
  readonly capabilities: number | bigint;
  /** Whose behaviour to show where QEMU departs from the specification. Default: the specification's. */
  readonly deviations?: RiscvDeviations;
  /** 4 KiB translations in the IOTLB, a power of two. Default 4096. */
  readonly iotlbEntries?: number;
  /** False for a page that no memory backs; a table there is an access fault. Default: every page answers. */
  readonly answers?: (phys: number) => boolean;
  /** Takes the unit's own interrupts when they are messages. */
  readonly interrupt?: SendMessage;
  /** Takes them when they are wires (`fctl.WSI`). */
  readonly wire?: DriveWire;
}

/**
 * A RISC-V IOMMU: what devices' requests go through, and what a driver programs through registers and memory. Registers
 * answer at once; the unit reads its queue in {@link step} only, and tables when it translates. Device ids have 24 bits.
 */
export class RiscvUnit implements IommuUnit {
  readonly capabilities: RiscvCapabilities;
  readonly #translator: Translator;
  readonly #registers: RegisterFile;
  readonly #deviceTlbs = new Map<number, DeviceTlb>();
  readonly #request = new Request();

  /** @throws {IommuUsageError} when the capabilities have no physical address width */
  constructor(options: RiscvUnitOptions) {
    this.capabilities = new RiscvCapabilities(options.capabilities);
    const { physicalAddressBits } = this.capabilities;
    if (physicalAddressBits < 32) {
      throw new IommuUsageError(`capabilities.PAS is ${physicalAddressBits}: it must be 32 or more`);
    }
    const hostAddressBits = Math.min(physicalAddressBits, MOST_ADDRESS_BITS);
    const memory = new UnitMemory(options.memory, hostAddressBits, options.answers);
    const interrupts = new Interrupts(options.interrupt ?? (() => {}), options.wire ?? (() => {}));
    const faults = new FaultQueue(memory, interrupts);
    this.#translator = new Translator(memory, this.capabilities, faults, {
      hostAddressBits,
      deviations: options.deviations ?? 'spec',
      iotlbEntries: options.iotlbEntries ?? 4096,
    });
    this.#registers = new RegisterFile(
      options.capabilities,
      this.capabilities,
      memory,
      this.#translator,
      faults,
      interrupts,
      this.#deviceTlbs,
    );
  }

  /**
   * Physical address of that byte for an untranslated request without process id; valid to the end of its 4 KiB page.
   * Negative: blocked, for the cause that it is the negative of (recorded, unless DTF or a full queue keeps it out), or
   * {@link RISCV_INTERRUPT_FILE}.
   * @param isWrite 0 for a read, 1 for a write
   */
  translate(deviceId: number, address: number, isWrite: 0 | 1): number {
    return this.#translator.translate(deviceId, address, isWrite);
  }

  /** Like {@link translate}, for requests with a process id, atomics, fetches, supervisor and translated requests. */
  translateRequest(request: DeviceRequest): number {
    return this.#translator.translateRequest(this.#request.fill(request));
  }

  /** A device's message write: to memory, or into an interrupt file there (spec H102). 0, or a negative cause. */
  writeMessage(deviceId: number, address: number, data: number): number {
    return this.#translator.writeMessage(deviceId, address, data);
  }

  /** Answers an ATS translation request (spec H11), a 4 KiB page at a time whatever the leaf's size. */
  requestTranslation(request: AtsRequest): AtsCompletion {
    return this.#translator.requestTranslation(request);
  }

  attachDeviceTlb(deviceId: number, deviceTlb: DeviceTlb): void {
    this.#deviceTlbs.set(deviceId, deviceTlb);
  }

  detachDeviceTlb(deviceId: number): void {
    this.#deviceTlbs.delete(deviceId);
  }

  readRegister(offset: number): number {
    return this.#registers.read(offset);
  }

  writeRegister(offset: number, value: number): void {
    this.#registers.write(offset, value >>> 0);
  }

  /** Works off the command queue, and what a debugger asked for. */
  step(): void {
    this.#registers.commands.step();
    this.#registers.debug.step();
  }

  /** The driver waits: the unit uses the time to work. */
  advance(_nanoseconds: number): void {
    this.step();
  }
}
