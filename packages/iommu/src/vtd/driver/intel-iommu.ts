import type { VtdFault } from '../../core/faults/vtd-fault-lines.ts';
import { IdPool } from '../../core/unit/id-pool.ts';
import type {
  FaultMessage,
  IommuUnitDriver,
  IommuUnitDriverOptions,
  UnitDomainOptions,
} from '../../core/unit/iommu-unit-driver.ts';
import { TablePagesExhaustedError } from '../../core/unit/table-pages-exhausted-error.ts';
import { FirstStageFormat } from '../../page-table/first-stage-format.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import { SecondStageFormat } from '../../page-table/second-stage-format.ts';
import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import type { DeviceEntries } from './device-entries.ts';
import { DeviceTlbTag } from './device-tlb-tag.ts';
import { VtdUnsupportedError } from './errors.ts';
import { FaultHandler } from './fault-handler.ts';
import { IotlbTag } from './iotlb-tag.ts';
import { LegacyEntries } from './legacy-entries.ts';
import { RID_PASID, ScalableEntries } from './scalable-entries.ts';
import { UnitControl } from './unit-control.ts';
import { VtdDomain, type VtdStage } from './vtd-domain.ts';

/** Domain id of pass-through devices (spec I169). */
const PASS_THROUGH_DOMAIN_ID = 1;
/** First id for a domain: 0 means "not present" in caching mode (spec H28). */
const FIRST_DOMAIN_ID = 2;

export interface IntelIommuOptions extends IommuUnitDriverOptions {
  /** Default: scalable where the unit has it. */
  readonly mode?: 'legacy' | 'scalable';
  /** PCI segment that the unit serves: for log lines. Default 0. */
  readonly segment?: number;
}

/** What a new domain's tables look like; the unit's best by default. */
export interface VtdDomainOptions extends UnitDomainOptions {
  /** Default: first stage in scalable mode where the unit has it, else second. */
  readonly stage?: VtdStage;
  /** Levels of the table, 3 to 5. Default: the most that the unit has. */
  readonly levels?: number;
  /** False: 4 KiB pages only, as with `intel_iommu=sp_off`. Default true. */
  readonly superpages?: boolean;
}

/**
 * The Intel VT-d driver of one unit, as Linux drives it: through registers and memory alone. Creates domains, writes
 * context entries for devices and keeps the unit's caches true.
 */
export class IntelIommu implements IommuUnitDriver<VtdDomain> {
  readonly capabilities: VtdCapabilities;
  readonly #control: UnitControl;
  readonly #entries: DeviceEntries;
  readonly #domainIds: IdPool;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #faultMessage: FaultMessage | undefined;
  readonly #faultHandler: FaultHandler;
  readonly #tags = new Map<VtdDomain, IotlbTag>();
  readonly #attached = new Map<number, Attachment>();

  /** @throws {TablePagesExhaustedError} without pages for root table and queue; {@link VtdUnsupportedError} for the mode */
  constructor(options: IntelIommuOptions) {
    this.#memory = options.memory;
    this.#pages = options;
    this.#faultMessage = options.faultMessage;
    const ring = this.#takePage('the invalidation queue');
    const status = this.#takePage('invalidation status words');
    this.#control = new UnitControl(options.registers, options.memory, options.mode, ring, status);
    this.capabilities = this.#control.capabilities;
    this.#entries = this.#control.scalable
      ? new ScalableEntries(options.memory, options, this.capabilities.snoopsWalks)
      : new LegacyEntries(options.memory, options);
    const { segment = 0, log = () => {} } = options;
    this.#faultHandler = new FaultHandler(options.registers, this.capabilities, segment, log);
    this.#domainIds = new IdPool(FIRST_DOMAIN_ID, this.capabilities.domainIds);
  }

  /** Sets the tables and turns translation on: every device without an entry is blocked from here on (spec H15). */
  enable(): void {
    this.#control.enable(this.#entries.rootTable, this.#faultMessage);
  }

  /** Turns translation off: requests pass untranslated. */
  disable(): void {
    this.#control.disable();
  }

  /** The unit's fault event came: takes and logs what it recorded (spec I172). */
  handleFaultEvent(nowNanos: number): VtdFault[] {
    return this.#faultHandler.handle(nowNanos);
  }

  /** @throws {VtdUnsupportedError} when the unit's tables can't be like that */
  createDomain(options: VtdDomainOptions = {}): VtdDomain {
    const { scalable } = this.#control;
    const { stage = scalable && this.capabilities.firstStage ? 'first' : 'second' } = options;
    const format = this.#format(stage, options);
    return new VtdDomain(this.#memory, format, stage, this.#pages, this.#takePage('a root paging table'));
  }

  /**
   * Puts a device behind a domain, away from whatever it was attached to.
   * @param ats the device keeps translations of its own, which invalidations have to reach (spec H12)
   */
  attachDevice(sourceId: number, domain: VtdDomain, { ats = false }: { readonly ats?: boolean } = {}): void {
    if (ats && !this.capabilities.deviceTlbs) throw new VtdUnsupportedError('device TLBs (ATS)');
    this.detachDevice(sourceId);
    const tag = this.#tagFor(domain);
    tag.users++;
    const kind = domain.stage === 'first' ? 'first-stage' : 'second-stage';
    const { levels, root } = domain;
    this.#entries.set(sourceId, { kind, levels, domainId: tag.domainId, root, ats });
    this.#entryAppeared(sourceId, tag.domainId);
    const deviceTlb = ats ? new DeviceTlbTag(this.#control, sourceId) : undefined;
    if (deviceTlb !== undefined) domain.addTag(deviceTlb);
    this.#attached.set(sourceId, { domain, tag, deviceTlb });
  }

  /** Lets a device reach memory untranslated. @throws {VtdUnsupportedError} when the unit lacks pass-through */
  attachPassThrough(sourceId: number): void {
    if (!this.capabilities.passThrough) throw new VtdUnsupportedError('pass-through');
    this.detachDevice(sourceId);
    const levels = this.#mostLevels();
    const domainId = PASS_THROUGH_DOMAIN_ID;
    this.#entries.set(sourceId, { kind: 'pass-through', levels, domainId, root: 0, ats: false });
    this.#entryAppeared(sourceId, domainId);
    this.#attached.set(sourceId, {});
  }

  /** Blocks a device; does nothing when it isn't attached. */
  detachDevice(sourceId: number): void {
    const attachment = this.#attached.get(sourceId);
    if (attachment === undefined) return;
    const { domain, tag, deviceTlb } = attachment;
    this.#attached.delete(sourceId);
    this.#entries.clear(sourceId);
    this.#entryGone(sourceId, tag?.domainId ?? PASS_THROUGH_DOMAIN_ID, deviceTlb);
    this.#entries.release(sourceId);
    if (domain === undefined || tag === undefined) return;
    if (deviceTlb !== undefined) domain.removeTag(deviceTlb);
    this.#release(domain, tag);
  }

  #release(domain: VtdDomain, tag: IotlbTag): void {
    tag.users--;
    if (tag.users > 0) return;
    domain.removeTag(tag);
    this.#tags.delete(domain);
    this.#domainIds.release(tag.domainId);
  }

  #tagFor(domain: VtdDomain): IotlbTag {
    const known = this.#tags.get(domain);
    if (known !== undefined) return known;
    // spec gap: H21 gives all first-stage domains id 1, I169 gives 1 to SVA and pass-through only. Translations are
    // tagged with id and PASID, and PASID is 0 for all, so domains that shared an id would see each other's: I169.
    const domainId = this.#domainIds.take();
    if (domainId < 0) throw new VtdUnsupportedError(`domain id below ${this.capabilities.domainIds} left`);
    const tag = new IotlbTag(this.#control, this.capabilities, domainId, domain.stage === 'first' ? RID_PASID : -1);
    this.#tags.set(domain, tag);
    domain.addTag(tag);
    return tag;
  }

  /** Nothing to drop unless absent entries are cached, then under domain id 0 (spec H28). */
  #entryAppeared(sourceId: number, domainId: number): void {
    if (!this.capabilities.cachingMode) {
      this.#control.flushWriteBuffer();
      return;
    }
    const { requests, queue, scalable } = this.#control;
    requests.sourceContext(sourceId, 0);
    if (scalable) requests.pasidEntry(domainId, RID_PASID);
    requests.domainTranslations(domainId);
    queue.finish();
  }

  /** Entries first, then what was translated with them, the device's own copies last (spec H28, I192). */
  #entryGone(sourceId: number, domainId: number, deviceTlb: DeviceTlbTag | undefined): void {
    const { requests, queue, scalable } = this.#control;
    requests.sourceContext(sourceId, scalable ? 0 : domainId);
    if (scalable) requests.pasidEntry(domainId, RID_PASID);
    requests.domainTranslations(domainId);
    deviceTlb?.flushAll();
    queue.finish();
  }

  #format(stage: VtdStage, { levels, superpages = true }: VtdDomainOptions): PageTableFormat {
    return stage === 'first' ? this.#firstStageFormat(superpages, levels) : this.#secondStageFormat(superpages, levels);
  }

  #firstStageFormat(superpages: boolean, levels = this.capabilities.firstStageLevels5 ? 5 : 4): PageTableFormat {
    const { firstStage, firstStageLevels5, firstStagePageSizes, guestAddressBits } = this.capabilities;
    if (!firstStage || !this.#control.scalable) throw new VtdUnsupportedError('first stage in this mode');
    if (levels !== 4 && !(levels === 5 && firstStageLevels5))
      throw new VtdUnsupportedError(`first stage of ${levels} levels`);
    return new FirstStageFormat(levels, superpages ? firstStagePageSizes : 4096, guestAddressBits);
  }

  #secondStageFormat(superpages: boolean, levels = this.#mostLevels()): PageTableFormat {
    const { secondStage, secondStagePageSizes, guestAddressBits } = this.capabilities;
    if (this.#control.scalable && !secondStage) throw new VtdUnsupportedError('second stage in scalable mode');
    if (!this.capabilities.allowsLevels(levels)) throw new VtdUnsupportedError(`second stage of ${levels} levels`);
    return new SecondStageFormat(levels, superpages ? secondStagePageSizes : 4096, guestAddressBits);
  }

  #mostLevels(): number {
    for (let levels = 5; levels > 3; levels--) if (this.capabilities.allowsLevels(levels)) return levels;
    return 3;
  }

  #takePage(purpose: string): number {
    const page = this.#pages.allocTablePage();
    if (page < 0) throw new TablePagesExhaustedError(purpose);
    return page;
  }
}

/** What a source is attached to; nothing stands for pass-through. */
interface Attachment {
  readonly domain?: VtdDomain;
  readonly tag?: IotlbTag;
  readonly deviceTlb?: DeviceTlbTag | undefined;
}
