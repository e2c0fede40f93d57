import type { RiscvFault } from '../../core/faults/riscv-fault-lines.ts';
import { IdPool } from '../../core/unit/id-pool.ts';
import type {
  FaultMessage,
  IommuUnitDriver,
  IommuUnitDriverOptions,
  UnitDomainOptions,
} from '../../core/unit/iommu-unit-driver.ts';
import { TablePagesExhaustedError } from '../../core/unit/table-pages-exhausted-error.ts';
import { RiscvFormat } from '../../page-table/riscv-format.ts';
import { type TablePages, takeTable, type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { RISCV_REG } from '../../spec/riscv-registers.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import { CommandRing } from './command-ring.ts';
import { Commands } from './commands.ts';
import { DeviceContexts } from './device-contexts.ts';
import { DeviceTlbTag } from './device-tlb-tag.ts';
import { RiscvUnsupportedError } from './errors.ts';
import { FaultHandler } from './fault-handler.ts';
import { IotlbTag } from './iotlb-tag.ts';
import { RiscvDomain } from './riscv-domain.ts';
import { UnitControl } from './unit-control.ts';

/** PSCIDs have 20 bits; 0 is left to what has none. */
const PSCIDS = 2 ** 20;

export interface RiscvIommuOptions extends IommuUnitDriverOptions {
  /** The unit's name in log lines. Default `0000:00:01.0`. */
  readonly name?: string;
}

/** What a new domain's tables look like; the unit's best by default. */
export interface RiscvDomainOptions extends UnitDomainOptions {
  /** Levels of the table: 3 for Sv39, 4 for Sv48, 5 for Sv57. Default: the most that the unit has. */
  readonly levels?: number;
}

/**
 * The driver of one RISC-V IOMMU, as Linux drives it: through registers and memory alone. Creates first-stage domains,
 * writes device contexts and keeps the unit's caches true. Device ids have 24 bits: PCI segment, bus, device, function.
 */
export class RiscvIommu implements IommuUnitDriver<RiscvDomain> {
  readonly capabilities: RiscvCapabilities;
  readonly #control: UnitControl;
  readonly #ring: CommandRing;
  readonly #commands: Commands;
  readonly #contexts: DeviceContexts;
  readonly #faults: FaultHandler;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #faultMessage: FaultMessage | undefined;
  readonly #pscids = new IdPool(1, PSCIDS);
  readonly #attached = new Map<number, Attachment>();

  /** @throws {TablePagesExhaustedError} without pages for directory and queues */
  constructor(options: RiscvIommuOptions) {
    const { registers, memory, name = '0000:00:01.0', log = () => {} } = options;
    this.#memory = memory;
    this.#pages = options;
    this.#faultMessage = options.faultMessage;
    this.#control = new UnitControl(registers);
    this.capabilities = this.#control.capabilities;
    this.#ring = new CommandRing(registers, memory, this.#takePage('the command queue'));
    this.#commands = new Commands(this.#ring, this.capabilities);
    this.#faults = new FaultHandler(registers, memory, this.#takePage('the fault queue'), name, log);
    this.#contexts = new DeviceContexts(memory, options, this.capabilities.msiFlat);
  }

  /** Queues, directory, invalidation of everything: every device without a context is blocked from here on (spec H91). */
  enable(): void {
    const { CQB, CQCSR, CQT, FQB, FQCSR, FQH } = RISCV_REG;
    const { phys, sizeField } = this.#ring;
    this.#control.turnOff();
    if (this.#faultMessage !== undefined) this.#control.programFaultMessage(this.#faultMessage);
    this.#control.enableQueue(
      { baseRegister: CQB, controlRegister: CQCSR, indexRegister: CQT, phys, sizeField },
      false,
    );
    this.#ring.restart();
    this.#control.enableQueue(
      {
        baseRegister: FQB,
        controlRegister: FQCSR,
        indexRegister: FQH,
        phys: this.#faults.phys,
        sizeField: this.#faults.sizeField,
      },
      this.#faultMessage !== undefined,
    );
    this.#control.setDeepestDirectory((levels) => this.#contexts.rootFor(levels));
    this.#commands.allDeviceContexts();
    this.#commands.allTranslations();
    this.#ring.finish();
  }

  /** Turns translation off: requests pass untranslated. */
  disable(): void {
    this.#control.setBare();
  }

  /** The unit's fault event came: takes and logs what it recorded (spec H99). */
  handleFaultEvent(nowNanos: number): RiscvFault[] {
    return this.#faults.handle(nowNanos);
  }

  /** @throws {RiscvUnsupportedError} when the unit's tables can't be like that */
  createDomain({ levels = this.#mostLevels(), superpages = true }: RiscvDomainOptions = {}): RiscvDomain {
    const { firstStageLevels, pageBasedMemoryTypes } = this.capabilities;
    if (((firstStageLevels >> levels) & 1) === 0) throw new RiscvUnsupportedError(`first stage of ${levels} levels`);
    const format = new RiscvFormat(levels, 'first', {
      memoryTypes: pageBasedMemoryTypes,
      ...(superpages ? {} : { largestPageShift: 12 }),
    });
    const pscid = this.#pscids.take();
    if (pscid < 0) throw new RiscvUnsupportedError(`PSCID below ${PSCIDS} left`);
    const root = this.#takePage('a root paging table');
    const destroyed = () => this.#pscids.release(pscid);
    const domain = new RiscvDomain(this.#memory, format, this.#pages, { root, pscid, destroyed });
    domain.addTag(new IotlbTag(this.#commands, pscid));
    return domain;
  }

  /**
   * Puts a device behind a domain, away from whatever it was attached to.
   * @param ats the device keeps translations of its own, which invalidations have to reach (spec H12)
   */
  attachDevice(deviceId: number, domain: RiscvDomain, { ats = false }: { readonly ats?: boolean } = {}): void {
    if (ats && !this.capabilities.ats) throw new RiscvUnsupportedError('ATS');
    this.detachDevice(deviceId);
    const { pscid, root, levels } = domain;
    this.#setContext(deviceId, { pscid, root, levels, ats });
    const deviceTlb = ats ? new DeviceTlbTag(this.#commands, deviceId) : undefined;
    if (deviceTlb !== undefined) domain.addTag(deviceTlb);
    this.#attached.set(deviceId, { domain, deviceTlb });
  }

  /** Lets a device reach memory untranslated: both of its stages are bare (spec H93). */
  attachPassThrough(deviceId: number): void {
    this.detachDevice(deviceId);
    this.#setContext(deviceId, { pscid: 0, root: 0, levels: 0, ats: false });
    this.#attached.set(deviceId, {});
  }

  /** Blocks a device; does nothing when it isn't attached. */
  detachDevice(deviceId: number): void {
    const attachment = this.#attached.get(deviceId);
    if (attachment === undefined) return;
    const { domain, deviceTlb } = attachment;
    this.#attached.delete(deviceId);
    this.#contexts.clear(deviceId);
    this.#commands.deviceContext(deviceId);
    this.#ring.finish();
    domain?.flushIotlbAll(); // the device's own TLB too, before nobody asks for it any more
    if (deviceTlb !== undefined) domain?.removeTag(deviceTlb);
  }

  /** A unit may have cached that there was none. */
  #setContext(deviceId: number, setup: Parameters<DeviceContexts['set']>[1]): void {
    this.#contexts.set(deviceId, setup);
    this.#commands.deviceContext(deviceId);
    this.#ring.finish();
  }

  #mostLevels(): number {
    for (let levels = 5; levels > 3; levels--)
      if (((this.capabilities.firstStageLevels >> levels) & 1) === 1) return levels;
    return 3;
  }

  #takePage(purpose: string): number {
    const page = takeTable(this.#pages, 4096);
    if (page < 0) throw new TablePagesExhaustedError(purpose);
    zeroTable(this.#memory, page);
    return page;
  }
}

/** What a device is attached to; nothing stands for pass-through. */
interface Attachment {
  readonly domain?: RiscvDomain;
  readonly deviceTlb?: DeviceTlbTag | undefined;
}
