import { IdPool } from '../../core/unit/id-pool.ts';
import type {
  FaultMessage,
  IommuUnitDriver,
  IommuUnitDriverOptions,
  UnitDomainOptions,
} from '../../core/unit/iommu-unit-driver.ts';
import { TablePagesExhaustedError } from '../../core/unit/table-pages-exhausted-error.ts';
import { AMD_PAGE_SIZES, AmdV1Format } from '../../page-table/amd-v1-format.ts';
import { FirstStageFormat } from '../../page-table/first-stage-format.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import { giveTable, type TablePages, type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { AmdGcr3Entry } from '../../spec/amd-tables.ts';
import { lowMask } from '../../spec/bits.ts';
import type { AmdFeatures } from '../features.ts';
import { AmdDomain, type AmdDomainOwner, type AmdStage } from './amd-domain.ts';
import { CommandQueue } from './command-queue.ts';
import { DeviceTable } from './device-table.ts';
import { takeDeviceTable } from './device-table-pages.ts';
import { DeviceTlbTag } from './device-tlb-tag.ts';
import { AmdUnsupportedError } from './errors.ts';
import { type AmdFault, EventHandler } from './event-handler.ts';
import { InvalidationCommands } from './invalidation-commands.ts';
import { IotlbTag } from './iotlb-tag.ts';
import { UnitControl } from './unit-control.ts';

/** Domain id of pass-through devices: the first, as theirs is the domain that is always there. */
const PASS_THROUGH_DOMAIN_ID = 1;
const FIRST_DOMAIN_ID = 2;
const DOMAIN_IDS = 0x10000;
/** spec gap: H34 says that Mode starts small; three levels reach 512 GiB. */
const FIRST_LEVELS = 3;
/** What a guest table has: 4 KiB, 2 MiB and 1 GiB (spec H38). */
const GUEST_PAGE_SIZES = 2 ** 12 + 2 ** 21 + 2 ** 30;

export interface AmdIommuOptions extends IommuUnitDriverOptions {
  /** First dword of the unit's PCI capability (spec H32): ATS, NpCache. Default: neither. */
  readonly capability?: number;
  /** Largest device id behind the unit, which sizes the device table. Default 0xffff. */
  readonly lastDeviceId?: number;
  /** PCI segment that the unit serves: for log lines. Default 0. */
  readonly segment?: number;
  /** The unit's own name in log lines. Default `pci 0000:00:00.2`, where such units are. */
  readonly iommuName?: string;
  /** Driver and name of a device that the kernel knows (`nvme 0000:00:03.0`), else null. Default: it knows none. */
  readonly deviceName?: (sourceId: number) => string | null;
}

/** What a new domain's tables look like. */
export interface AmdDomainOptions extends UnitDomainOptions {
  /** Version 1 or 2 of the page tables. Default `host`. */
  readonly stage?: AmdStage;
  /** Levels at first; those of guest tables, 4 or 5, stay. Default 3, and 4 for guest tables. */
  readonly levels?: number;
}

/**
 * The AMD-Vi driver of one unit, as Linux drives it: through registers and memory alone. Creates domains, writes device
 * table entries and keeps the unit's caches true.
 */
export class AmdIommu implements IommuUnitDriver<AmdDomain> {
  readonly features: AmdFeatures;
  readonly #control: UnitControl;
  readonly #table: DeviceTable;
  readonly #queue: CommandQueue;
  readonly #commands: InvalidationCommands;
  readonly #events: EventHandler;
  readonly #eventRing: number;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #faultMessage: FaultMessage | undefined;
  readonly #domainIds = new IdPool(FIRST_DOMAIN_ID, DOMAIN_IDS);
  readonly #domainOwner: AmdDomainOwner;
  readonly #tags = new Map<AmdDomain, IotlbTag>();
  readonly #attached = new Map<number, Attachment>();
  #enabled = false;

  /** @throws {TablePagesExhaustedError} without pages for the device table and the rings */
  constructor(options: AmdIommuOptions) {
    const { registers, memory, segment = 0, log = () => {}, lastDeviceId = 0xffff } = options;
    this.#memory = memory;
    this.#pages = options;
    this.#faultMessage = options.faultMessage;
    this.#control = new UnitControl(registers, options.capability ?? 0);
    this.features = this.#control.features;
    const tablePages = 2 ** Math.ceil(Math.log2((lastDeviceId + 1) / 128));
    this.#table = new DeviceTable(memory, takeDeviceTable(options, tablePages), tablePages);
    this.#queue = new CommandQueue(registers, memory, this.#takePage('commands'), this.#takePage('a semaphore'));
    this.#commands = new InvalidationCommands(this.#queue);
    this.#eventRing = this.#takePage('the event log');
    const { iommuName = 'pci 0000:00:00.2', deviceName = () => null } = options;
    const ring = this.#eventRing;
    this.#events = new EventHandler({
      registers,
      memory,
      ring,
      table: this.#table,
      segment,
      iommuName,
      deviceName,
      log,
    });
    this.#domainOwner = {
      rootChanged: (domain) => this.#rootChanged(domain),
      destroyed: (domain) => this.#destroyed(domain),
    };
  }

  /** Sets the tables and turns translation on: every device without an entry is blocked from here on (spec H33). */
  enable(): void {
    this.#queue.reset();
    this.#events.reset();
    this.#control.enable(
      {
        deviceTable: this.#table.phys,
        deviceTablePages: this.#table.pages,
        commandRing: this.#queue.ring,
        eventRing: this.#eventRing,
      },
      this.#faultMessage,
    );
    this.#enabled = true;
    this.#invalidateEverything();
  }

  /** Turns translation off: requests pass untranslated. */
  disable(): void {
    this.#control.disable();
    this.#enabled = false;
  }

  /** The unit's event interrupt came: takes and logs what it recorded (spec I176). */
  handleFaultEvent(nowNanos: number): AmdFault[] {
    return this.#events.handle(nowNanos);
  }

  /** @throws {AmdUnsupportedError} when the unit's tables can't be like that */
  createDomain(options: AmdDomainOptions = {}): AmdDomain {
    const { stage = 'host' } = options;
    const format = stage === 'host' ? this.#hostFormat(options) : this.#guestFormat(options);
    const root = this.#takePage('a root paging table');
    const gcr3 = stage === 'host' ? -1 : this.#gcr3Table(root);
    const domainId = this.#domainIds.take();
    if (domainId < 0) throw new AmdUnsupportedError('domain id left');
    return new AmdDomain(this.#domainOwner, this.#memory, this.#pages, format, { domainId, root, gcr3 });
  }

  /**
   * Puts a device behind a domain, away from whatever it was attached to.
   * @param options.ats the device keeps translations of its own, which invalidations have to reach (spec H12)
   */
  attachDevice(sourceId: number, domain: AmdDomain, { ats = false }: { readonly ats?: boolean } = {}): void {
    if (ats && !this.features.deviceTlbs) throw new AmdUnsupportedError('device TLBs (ATS)');
    this.#checkSource(sourceId);
    this.detachDevice(sourceId);
    this.#tagFor(domain).users++;
    const deviceTlb = ats ? new DeviceTlbTag(this.#queue, this.#commands, sourceId, domain.pasid) : undefined;
    if (deviceTlb !== undefined) domain.addTag(deviceTlb);
    this.#attached.set(sourceId, { domain, deviceTlb });
    this.#writeEntry(sourceId, domain, ats);
    this.#finish();
  }

  /** Lets a device reach memory untranslated: no table, all rights (spec H39 step 9). */
  attachPassThrough(sourceId: number): void {
    this.#checkSource(sourceId);
    this.detachDevice(sourceId);
    this.#attached.set(sourceId, {});
    const domainId = PASS_THROUGH_DOMAIN_ID;
    this.#table.set(sourceId, { kind: 'pass-through', domainId, levels: 0, root: 0, ats: false });
    this.#commands.deviceEntry(sourceId);
    this.#finish();
  }

  /** Blocks a device; does nothing when it isn't attached. */
  detachDevice(sourceId: number): void {
    const attachment = this.#attached.get(sourceId);
    if (attachment === undefined) return;
    this.#attached.delete(sourceId);
    this.#table.block(sourceId);
    this.#commands.deviceEntry(sourceId);
    const { domain, deviceTlb } = attachment;
    // A unit may have cached what passed untranslated too, under the domain id of the entry (QEMU does).
    this.#commands.domain(domain?.domainId ?? PASS_THROUGH_DOMAIN_ID, domain?.pasid ?? -1);
    deviceTlb?.flushAll();
    this.#finish();
    if (domain === undefined) return;
    if (deviceTlb !== undefined) domain.removeTag(deviceTlb);
    this.#release(domain);
  }

  #tagFor(domain: AmdDomain): IotlbTag {
    const known = this.#tags.get(domain);
    if (known !== undefined) return known;
    const { npCache } = this.features;
    const tag = new IotlbTag(this.#queue, this.#commands, domain.domainId, domain.pasid, npCache);
    this.#tags.set(domain, tag);
    domain.addTag(tag);
    return tag;
  }

  #release(domain: AmdDomain): void {
    const tag = this.#tagFor(domain);
    tag.users--;
    if (tag.users > 0) return;
    domain.removeTag(tag);
    this.#tags.delete(domain);
  }

  #destroyed({ domainId, gcr3 }: AmdDomain): void {
    if (gcr3 >= 0) giveTable(this.#pages, gcr3, 4096);
    this.#domainIds.release(domainId);
  }

  /** The entry that leads to a domain's table, and its invalidation: a stale one may be cached (spec H4). */
  #writeEntry(sourceId: number, domain: AmdDomain, ats: boolean): void {
    const { stage, domainId, levels, root, gcr3 } = domain;
    this.#table.set(sourceId, { kind: stage, domainId, levels, root: stage === 'host' ? root : gcr3, ats });
    this.#commands.deviceEntry(sourceId);
  }

  /** Devices see the new root before anything that only it reaches is used (spec H34). */
  #rootChanged(domain: AmdDomain): void {
    let isAttached = false;
    for (const [sourceId, attachment] of this.#attached) {
      if (attachment.domain !== domain) continue;
      this.#writeEntry(sourceId, domain, attachment.deviceTlb !== undefined);
      isAttached = true;
    }
    if (!isAttached) return;
    this.#commands.domain(domain.domainId, -1);
    this.#finish();
  }

  #invalidateEverything(): void {
    if (this.features.invalidatesAll) this.#commands.everything();
    else {
      for (let device = 0; this.#table.has(device); device++) this.#commands.deviceEntry(device);
      for (let domainId = 0; domainId < DOMAIN_IDS; domainId++) this.#commands.domain(domainId, -1);
    }
    this.#queue.finish();
  }

  /** A unit that is off has a command buffer that is, and nothing cached that {@link enable} doesn't drop. */
  #finish(): void {
    if (this.#enabled) this.#queue.finish();
    else this.#queue.reset();
  }

  #hostFormat({ superpages = true, levels = FIRST_LEVELS }: AmdDomainOptions): PageTableFormat {
    const { hostLevels } = this.features;
    if (levels < 1 || levels > hostLevels) throw new AmdUnsupportedError(`host tables of ${levels} levels`);
    return new AmdV1Format(levels, hostLevels, superpages ? AMD_PAGE_SIZES : 4096);
  }

  #guestFormat({ superpages = true, levels = 4 }: AmdDomainOptions): PageTableFormat {
    if (levels < 4 || levels > this.features.guestLevels) {
      throw new AmdUnsupportedError(`guest tables of ${levels} levels`);
    }
    return new FirstStageFormat(levels, superpages ? GUEST_PAGE_SIZES : 4096, 52);
  }

  /** One page of GCR3 table: PASID 0 leads to the domain's table, all others nowhere (spec H38). */
  #gcr3Table(root: number): number {
    const table = this.#takePage('a GCR3 table');
    zeroTable(this.#memory, table);
    this.#memory.store64(table, root | lowMask(AmdGcr3Entry.V), Math.floor(root / 2 ** 32));
    return table;
  }

  #checkSource(sourceId: number): void {
    if (!this.#table.has(sourceId)) throw new AmdUnsupportedError(`device table entry for id ${sourceId}`);
  }

  #takePage(purpose: string): number {
    const page = this.#pages.allocTablePage();
    if (page < 0) throw new TablePagesExhaustedError(purpose);
    return page;
  }
}

/** What a source is attached to; no domain stands for pass-through. */
interface Attachment {
  readonly domain?: AmdDomain;
  readonly deviceTlb?: DeviceTlbTag | undefined;
}
