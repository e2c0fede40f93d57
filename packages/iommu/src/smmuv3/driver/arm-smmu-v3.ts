import { requester } from '../../core/faults/format.ts';
import { IdPool } from '../../core/unit/id-pool.ts';
import type {
  FaultMessage,
  IommuUnitDriver,
  IommuUnitDriverOptions,
  UnitDomainOptions,
} from '../../core/unit/iommu-unit-driver.ts';
import { armOutputBits } from '../../page-table/arm-format.ts';
import { ArmStage1Format } from '../../page-table/arm-stage1-format.ts';
import { ArmStage2Format } from '../../page-table/arm-stage2-format.ts';
import { type TablePages, takeTable, type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { rootTableBytes } from '../../page-table/table-tree.ts';
import type { SmmuCapabilities } from '../capabilities.ts';
import { DeviceTlbTag } from './device-tlb-tag.ts';
import { bypassEntry, contextWords, stage1Entry, stage2Entry } from './entry-words.ts';
import { SmmuTableMemoryError, SmmuUnsupportedError } from './errors.ts';
import { EventHandler, type SmmuFault } from './event-handler.ts';
import { SmmuDomain, type SmmuStage } from './smmu-domain.ts';
import { StreamEntries } from './stream-entries.ts';
import { TlbTag } from './tlb-tag.ts';
import { UnitControl } from './unit-control.ts';

/** First ASID and VMID: 0 is left to what has none. */
const FIRST_ID = 1;
/** Width of the addresses that Linux gives to devices: those of its own virtual ones (spec H63 T0SZ 16). */
const STAGE1_INPUT_BITS = 48;
const GRANULES = [4096, 16384, 65536] as const;

export interface ArmSmmuV3Options extends IommuUnitDriverOptions {
  /** The unit's name in log lines. Default `arm-smmu-v3.0.auto`, what Linux calls the first one that ACPI describes. */
  readonly name?: string;
  /** The kernel's name of the device with that stream id, null for none. Default: the PCI address of attached ones. */
  readonly deviceName?: (streamId: number) => string | null;
}

/** What a new domain's tables look like; what Linux chooses by default. */
export interface SmmuDomainOptions extends UnitDomainOptions {
  /** Default: 1 where the unit has it. */
  readonly stage?: SmmuStage;
  /** Bytes of the smallest page. Default: the smallest that the unit has. */
  readonly granule?: (typeof GRANULES)[number];
}

/**
 * The Arm SMMUv3 driver of one unit, as Linux drives it: through registers and memory alone. Creates domains, writes stream
 * table entries and context descriptors for devices and keeps the unit's caches true.
 */
export class ArmSmmuV3 implements IommuUnitDriver<SmmuDomain> {
  readonly capabilities: SmmuCapabilities;
  readonly #control: UnitControl;
  readonly #entries: StreamEntries;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #events: number;
  readonly #faultMessage: FaultMessage | undefined;
  readonly #eventHandler: EventHandler;
  /** Width of the physical addresses that tables may name. */
  readonly #outputBits: number;
  readonly #asids: IdPool;
  readonly #vmids: IdPool;
  readonly #tags = new Map<SmmuDomain, TlbTag>();
  readonly #attached = new Map<number, Attachment>();

  /** @throws {SmmuTableMemoryError} without memory for tables and queues; {@link SmmuUnsupportedError} for the unit */
  constructor(options: ArmSmmuV3Options) {
    const { registers, memory, log = () => {}, name = 'arm-smmu-v3.0.auto' } = options;
    this.#memory = memory;
    this.#pages = options;
    this.#faultMessage = options.faultMessage;
    this.#control = new UnitControl(registers, memory, this.#take('the command queue', 4096));
    this.#events = this.#take('the event queue', 4096);
    const { capabilities, ring, requests, eventBits } = this.#control;
    this.capabilities = capabilities;
    this.#entries = new StreamEntries(memory, options, capabilities, ring, requests);
    const deviceName = options.deviceName ?? ((streamId: number) => this.#pciName(streamId));
    this.#eventHandler = new EventHandler(registers, memory, {
      name,
      events: this.#events,
      eventBits,
      log,
      deviceName,
    });
    this.#outputBits = armOutputBits(capabilities.outputBits);
    this.#asids = new IdPool(FIRST_ID, capabilities.asids);
    this.#vmids = new IdPool(FIRST_ID, capabilities.vmids);
  }

  /** Sets tables and queues and turns translation on: every device without an entry is blocked from here on (spec H59). */
  enable(): void {
    this.#control.enable(this.#entries, this.#events, this.#faultMessage);
  }

  /** Turns translation off: requests pass untranslated, unless GBPA says otherwise. */
  disable(): void {
    this.#control.disable();
  }

  /** The unit's event or error interrupt came: takes and logs what it recorded (spec I178). */
  handleFaultEvent(nowNanos: number): SmmuFault[] {
    this.#control.ring.recover();
    return this.#eventHandler.handle(nowNanos);
  }

  /** @throws {SmmuUnsupportedError} when the unit's tables can't be like that; {@link SmmuTableMemoryError} */
  createDomain(options: SmmuDomainOptions = {}): SmmuDomain {
    const { stage1, stage2 } = this.capabilities;
    const { stage = stage1 ? 1 : 2, superpages = true } = options;
    if (!(stage === 1 ? stage1 : stage2)) throw new SmmuUnsupportedError(`stage ${stage}`);
    const granuleShift = Math.log2(this.#granule(options.granule));
    const inputBits = stage === 1 ? STAGE1_INPUT_BITS : this.#outputBits;
    const Format = stage === 1 ? ArmStage1Format : ArmStage2Format;
    const format = new Format(granuleShift, inputBits, superpages);
    const root = this.#take('a root paging table', rootTableBytes(format));
    return new SmmuDomain(this.#memory, format, this.#pages, root, { stage, inputBits });
  }

  /**
   * Puts a device behind a domain, away from whatever it was attached to.
   * @param ats the device keeps translations of its own, which invalidations have to reach (spec H12)
   */
  attachDevice(sourceId: number, domain: SmmuDomain, { ats = false }: { readonly ats?: boolean } = {}): void {
    if (ats && !this.capabilities.ats) throw new SmmuUnsupportedError('device TLBs (ATS)');
    this.detachDevice(sourceId);
    const tag = this.#tagFor(domain);
    tag.users++;
    const context = domain.stage === 1 ? this.#newContext(sourceId, domain, tag.id) : undefined;
    const { ring, requests } = this.#control;
    const deviceTlb = ats ? new DeviceTlbTag(ring, requests, sourceId) : undefined;
    this.#entries.set(
      sourceId,
      context === undefined ? stage2Entry(domain, tag.id, this.#outputBits, ats) : stage1Entry(context, ats),
    );
    if (deviceTlb !== undefined) domain.addTag(deviceTlb);
    this.#attached.set(sourceId, { domain, tag, context, deviceTlb });
  }

  /** Lets a device reach memory untranslated. */
  attachPassThrough(sourceId: number): void {
    this.detachDevice(sourceId);
    this.#entries.set(sourceId, bypassEntry());
    this.#attached.set(sourceId, {});
  }

  /** Blocks a device; does nothing when it isn't attached. */
  detachDevice(sourceId: number): void {
    const attachment = this.#attached.get(sourceId);
    if (attachment === undefined) return;
    const { domain, tag, context, deviceTlb } = attachment;
    this.#attached.delete(sourceId);
    this.#entries.clear(sourceId);
    deviceTlb?.flushAll();
    deviceTlb?.finish();
    if (context !== undefined) this.#pages.freeTablePage(context);
    if (domain === undefined || tag === undefined) return;
    if (deviceTlb !== undefined) domain.removeTag(deviceTlb);
    this.#release(domain, tag);
  }

  /** The domain's last device here is gone: nothing of it may be left when its number is somebody else's. */
  #release(domain: SmmuDomain, tag: TlbTag): void {
    tag.users--;
    if (tag.users > 0) return;
    tag.flushAll();
    tag.finish();
    domain.removeTag(tag);
    this.#tags.delete(domain);
    (domain.stage === 1 ? this.#asids : this.#vmids).release(tag.id);
  }

  #tagFor(domain: SmmuDomain): TlbTag {
    const known = this.#tags.get(domain);
    if (known !== undefined) return known;
    const { stage, granuleShift } = domain;
    const id = (stage === 1 ? this.#asids : this.#vmids).take();
    if (id < 0) throw new SmmuUnsupportedError(stage === 1 ? 'ASID left' : 'VMID left');
    const { ring, requests } = this.#control;
    const tag = new TlbTag(ring, requests, { stage, id, granuleShift }, this.capabilities.rangeInvalidation);
    this.#tags.set(domain, tag);
    domain.addTag(tag);
    return tag;
  }

  /** A table of one context descriptor: devices are attached without substreams. Its first word comes last. */
  #newContext(sourceId: number, domain: SmmuDomain, asid: number): number {
    const at = this.#take('a context descriptor', 4096);
    const words = contextWords(domain, asid, this.#outputBits);
    for (let word = words.length - 2; word >= 0; word -= 2) {
      this.#memory.store64(at + word * 4, words[word], words[word + 1]);
    }
    this.#control.requests.context(sourceId);
    this.#control.ring.finish();
    return at;
  }

  #granule(wanted: number | undefined): number {
    const { granules } = this.capabilities;
    const granule = wanted ?? GRANULES.find((size) => (granules & size) !== 0) ?? 0;
    if ((granules & granule) === 0) throw new SmmuUnsupportedError(`granule of ${granule} bytes`);
    return granule;
  }

  #pciName(streamId: number): string | null {
    return this.#attached.has(streamId) ? `0000:${requester(streamId)}` : null;
  }

  #take(purpose: string, lengthBytes: number): number {
    const table = takeTable(this.#pages, lengthBytes);
    if (table < 0) throw new SmmuTableMemoryError(purpose, lengthBytes);
    zeroTable(this.#memory, table, lengthBytes);
    return table;
  }
}

/** What a source is attached to; nothing stands for pass-through. */
interface Attachment {
  readonly domain?: SmmuDomain;
  readonly tag?: TlbTag;
  /** Page of its context descriptor. */
  readonly context?: number | undefined;
  readonly deviceTlb?: DeviceTlbTag | undefined;
}
