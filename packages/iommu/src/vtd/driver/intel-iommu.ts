import type { RegisterBacking } from '@dmalab/phys-memory';
import { FirstStageFormat } from '../../page-table/first-stage-format.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import { SecondStageFormat } from '../../page-table/second-stage-format.ts';
import type { TableMemory, TablePages } from '../../page-table/table-memory.ts';
import { TranslationType } from '../../spec/vtd-tables.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import { ContextTables } from './context-tables.ts';
import { DomainIds } from './domain-ids.ts';
import { TablePagesExhaustedError, VtdUnsupportedError } from './errors.ts';
import { IotlbTag } from './iotlb-tag.ts';
import { type FaultMessage, UnitControl } from './unit-control.ts';
import { VtdDomain, type VtdStage } from './vtd-domain.ts';

/** Domain id of pass-through devices (spec I169). */
const PASS_THROUGH_DOMAIN_ID = 1;

export interface IntelIommuOptions extends TablePages {
  /** Registers of the unit: a model in this process, or a real one behind a bridge. */
  readonly registers: RegisterBacking;
  /** Memory that the unit reads its tables from. */
  readonly memory: TableMemory;
  /** Message of the unit's fault event; without one the event stays masked. */
  readonly faultMessage?: FaultMessage;
}

/** What a new domain's tables look like; the unit's best by default. */
export interface VtdDomainOptions {
  /** Levels of the table, 3 to 5. Default: the most that the unit has. */
  readonly levels?: number;
  /** False: 4 KiB pages only, as with `intel_iommu=sp_off`. Default true. */
  readonly superpages?: boolean;
}

/**
 * The Intel VT-d driver of one unit, as Linux drives it: through registers and memory alone. Creates domains, writes
 * context entries for devices and keeps the unit's caches true.
 */
export class IntelIommu {
  readonly capabilities: VtdCapabilities;
  readonly #control: UnitControl;
  readonly #contexts: ContextTables;
  readonly #domainIds: DomainIds;
  readonly #memory: TableMemory;
  readonly #pages: TablePages;
  readonly #faultMessage: FaultMessage | undefined;
  readonly #tags = new Map<VtdDomain, IotlbTag>();
  /** What a source is attached to; `null` stands for pass-through. */
  readonly #attached = new Map<number, VtdDomain | null>();

  /** @throws {TablePagesExhaustedError} without pages for root table and queue */
  constructor(options: IntelIommuOptions) {
    this.#memory = options.memory;
    this.#pages = options;
    this.#faultMessage = options.faultMessage;
    const ring = this.#takePage('the invalidation queue');
    const status = this.#takePage('invalidation status words');
    this.#control = new UnitControl(options.registers, options.memory, false, ring, status);
    this.capabilities = this.#control.capabilities;
    this.#contexts = new ContextTables(options.memory, options);
    this.#domainIds = new DomainIds(this.capabilities.domainIds);
  }

  /** Sets the tables and turns translation on: every device without an entry is blocked from here on (spec H15). */
  enable(): void {
    this.#control.enable(this.#contexts.rootTable, this.#faultMessage);
  }

  /** Turns translation off: requests pass untranslated. */
  disable(): void {
    this.#control.disable();
  }

  /** @throws {VtdUnsupportedError} when the unit's tables can't be like that */
  createDomain(options: VtdDomainOptions = {}): VtdDomain {
    const stage: VtdStage = 'second';
    const format = this.#format(stage, options);
    const root = this.#takePage('a root paging table');
    return new VtdDomain(this.#memory, format, stage, this.#pages, root);
  }

  /** Puts a device behind a domain, away from whatever it was attached to. */
  attachDevice(sourceId: number, domain: VtdDomain): void {
    this.detachDevice(sourceId);
    const tag = this.#tagFor(domain);
    tag.users++;
    this.#contexts.set(sourceId, {
      translationType: TranslationType.UNTRANSLATED,
      levels: domain.levels,
      domainId: tag.domainId,
      root: domain.root,
    });
    this.#contextAppeared(sourceId, tag.domainId);
    this.#attached.set(sourceId, domain);
  }

  /** Lets a device reach memory untranslated. @throws {VtdUnsupportedError} when the unit lacks pass-through */
  attachPassThrough(sourceId: number): void {
    if (!this.capabilities.passThrough) throw new VtdUnsupportedError('pass-through');
    this.detachDevice(sourceId);
    this.#contexts.set(sourceId, {
      translationType: TranslationType.PASS_THROUGH,
      levels: this.#mostLevels(),
      domainId: PASS_THROUGH_DOMAIN_ID,
      root: 0,
    });
    this.#contextAppeared(sourceId, PASS_THROUGH_DOMAIN_ID);
    this.#attached.set(sourceId, null);
  }

  /** Blocks a device; does nothing when it isn't attached. */
  detachDevice(sourceId: number): void {
    const domain = this.#attached.get(sourceId);
    if (domain === undefined) return;
    this.#attached.delete(sourceId);
    const tag = domain === null ? undefined : this.#tags.get(domain);
    this.#contexts.clear(sourceId);
    this.#contextGone(sourceId, tag?.domainId ?? PASS_THROUGH_DOMAIN_ID);
    if (domain !== null && tag !== undefined) this.#release(domain, tag);
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
    const domainId = this.#domainIds.take();
    if (domainId < 0) throw new VtdUnsupportedError(`domain id below ${this.capabilities.domainIds} left`);
    const tag = new IotlbTag(this.#control, this.capabilities, domainId, -1);
    this.#tags.set(domain, tag);
    domain.addTag(tag);
    return tag;
  }

  /** Nothing to drop unless absent entries are cached, then under domain id 0 (spec H28). */
  #contextAppeared(sourceId: number, domainId: number): void {
    if (!this.capabilities.cachingMode) {
      this.#control.flushWriteBuffer();
      return;
    }
    this.#control.requests.sourceContext(sourceId, 0);
    this.#control.requests.domainTranslations(domainId);
    this.#control.queue.finish();
  }

  /** Context first, then what was translated with it (spec H28). */
  #contextGone(sourceId: number, domainId: number): void {
    this.#control.requests.sourceContext(sourceId, domainId);
    this.#control.requests.domainTranslations(domainId);
    this.#control.queue.finish();
  }

  #format(stage: VtdStage, { levels = this.#mostLevels(), superpages = true }: VtdDomainOptions): PageTableFormat {
    const { secondStagePageSizes, firstStagePageSizes, guestAddressBits } = this.capabilities;
    if (!this.capabilities.allowsLevels(levels)) throw new VtdUnsupportedError(`second stage of ${levels} levels`);
    if (stage === 'first')
      return new FirstStageFormat(levels, superpages ? firstStagePageSizes : 4096, guestAddressBits);
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
