import type { SendMessage } from '../../core/unit/iommu-unit.ts';
import { NO_PASID } from '../../hardware/address-spaces.ts';
import { ALLOWS_READ, ALLOWS_WRITE } from '../../hardware/translation-array.ts';
import { TranslationCaches } from '../../hardware/translation-caches.ts';
import { AddressType, TranslationRequest } from '../../hardware/translation-request.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { ScalableFault } from '../../spec/vtd-faults.ts';
import { INTERRUPT_WINDOW_FIRST, INTERRUPT_WINDOW_LAST } from '../../spec/vtd-paging.ts';
import { TranslationTableMode } from '../../spec/vtd-registers.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import { ContextCache } from './context-cache.ts';
import { FaultDetails, FaultLog } from './fault-log.ts';
import { type FaultCodes, type FaultReasons, faultReasons, isQualified } from './fault-reasons.ts';
import { LegacyTables } from './legacy-tables.ts';
import { ScalableTables } from './scalable-tables.ts';
import { Stages } from './stages.ts';
import { Translation, TranslationContext } from './translation-context.ts';

/** The request was dropped without a fault record: a read of the interrupt window (spec H10), or an aborting root table. */
export const VTD_BLOCKED = -0x1000;

/** Bits 31:20 of the window's addresses; a few above 4 GiB share them, and take the long way. */
const INTERRUPT_WINDOW_MIB = INTERRUPT_WINDOW_FIRST >>> 20;
/** What absent entries are cached under (spec H28). */
const ABSENT_DOMAIN_ID = 0;

export interface TranslatorOptions {
  readonly hostAddressBits: number;
  readonly faultCodes: FaultCodes;
  readonly iotlbEntries: number;
  readonly send: SendMessage;
}

/** Translates requests (spec H26): hit path, lookups on a miss, and the fault that a blocked request leaves behind. */
export class Translator {
  readonly contexts: ContextCache;
  readonly caches: TranslationCaches;
  readonly faults: FaultLog;
  readonly stages: Stages;
  // The columns that a hit reads, one load away instead of four. With the unboxed answer below, 12.8 ns became 5.6
  // (vtd-unit.bench.ts).
  readonly #tagOf: Int32Array;
  readonly #pages: Float64Array;
  readonly #tags: Int32Array;
  readonly #rights: Uint8Array;
  readonly #targets: Float64Array;
  readonly #mask: number = 0;
  /**
   * The address that a miss is about, then its answer. Returned from its call instead, the double would be boxed, and every hit with it, as both leave
   * through one variable: 324 scavenges in the hit's benchmark instead of 8.
   */
  readonly #answer = new Float64Array(1);
  readonly #plain = new TranslationRequest();
  readonly #details = new FaultDetails();
  readonly #legacy: LegacyTables;
  readonly #scalable: ScalableTables;
  readonly #capabilities: VtdCapabilities;
  readonly #faultCodes: FaultCodes;
  #enabled = false;
  #rootTable = 0;
  #mode: number = TranslationTableMode.LEGACY;
  #reasons: FaultReasons;
  /** Why the latest {@link contextFor} found nothing. */
  #lookupReason = 0;

  constructor(memory: UnitMemory, capabilities: VtdCapabilities, options: TranslatorOptions) {
    const { hostAddressBits, faultCodes } = options;
    this.#capabilities = capabilities;
    this.#faultCodes = faultCodes;
    this.#reasons = faultReasons(false, faultCodes);
    this.caches = new TranslationCaches(options.iotlbEntries, () => this.contexts.clear());
    this.contexts = new ContextCache(this.caches.spaces);
    this.#tagOf = this.contexts.tagOf;
    this.#pages = this.caches.pages.pages;
    this.#tags = this.caches.pages.tags;
    this.#rights = this.caches.pages.rights;
    this.#targets = this.caches.pages.targets;
    this.#mask = this.caches.pages.mask;
    this.faults = new FaultLog(capabilities.faultRecords, options.send);
    this.stages = new Stages(memory, this.caches, capabilities, hostAddressBits, this.#reasons);
    this.#legacy = new LegacyTables(memory, capabilities, hostAddressBits);
    this.#scalable = new ScalableTables(memory, capabilities, hostAddressBits, faultCodes);
  }

  /** GCMD.TE. While off, requests pass untranslated. */
  setEnabled(enabled: boolean): void {
    this.#enabled = enabled;
    // Without tags nothing hits, so that the hit path needn't ask. What is cached stays, for when they come back.
    if (enabled) this.contexts.renewTags();
    else this.contexts.tagOf.fill(0);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** GCMD.SRTP took RTADDR over. Stale entries stay unless the unit clears them (CAP.ESRTPS). */
  setRootTable(rootTable: number, mode: number): void {
    const isScalable = mode === TranslationTableMode.SCALABLE;
    this.#rootTable = rootTable;
    // Reserved on a unit without scalable mode, which therefore reads its tables as legacy ones.
    this.#mode = isScalable && !this.#capabilities.scalable ? TranslationTableMode.LEGACY : mode;
    this.#reasons = faultReasons(this.#mode === TranslationTableMode.SCALABLE, this.#faultCodes);
    this.stages.setReasons(this.#reasons);
  }

  /** See {@link VtdUnit.translate}. A hit comes first, even before the interrupt window, which is never cached. */
  translate(sourceId: number, address: number, isWrite: number): number {
    const tag = this.#tagOf[sourceId];
    const slot = ((address >>> 12) ^ tag) & this.#mask;
    const offset = address & 0xfff;
    if (
      this.#pages[slot] === address - offset &&
      this.#tags[slot] === tag &&
      (this.#rights[slot] & (isWrite + 1)) !== 0
    ) {
      return this.#targets[slot] + offset;
    }
    this.#answer[0] = address;
    this.#miss(sourceId, isWrite + 1);
    return this.#answer[0];
  }

  /** Finds the address in `#answer` and puts what became of it there. */
  #miss(sourceId: number, right: number): void {
    if (!this.#enabled) return;
    const address = this.#answer[0];
    const tag = address >>> 20 === INTERRUPT_WINDOW_MIB ? 0 : this.#tagOf[sourceId];
    if (!this.#capabilities.cachingMode && this.stages.second.walkQuickly(tag, address, right)) {
      const page = this.stages.second.quickPage[0];
      this.caches.pages.insert(tag, address, page, this.stages.second.leafRights);
      this.#answer[0] = page + (address & 0xfff);
      return;
    }
    this.#plain.setPlain(sourceId, address, right);
    this.#answer[0] = this.translateRequest(this.#plain);
  }

  /** Any request while translation is on: a physical address, a negative fault reason, or {@link VTD_BLOCKED}. */
  translateRequest(request: TranslationRequest): number {
    const { address, pasid } = request;
    if (address >= INTERRUPT_WINDOW_FIRST && address <= INTERRUPT_WINDOW_LAST && pasid === NO_PASID) {
      return request.right === ALLOWS_WRITE ? address : VTD_BLOCKED;
    }
    if (this.#mode === TranslationTableMode.ABORT) return VTD_BLOCKED;
    const context = this.contextFor(request);
    if (context === undefined) return -this.#lookupReason;
    if (request.addressType === AddressType.TRANSLATED) return address;
    const result = this.resolve(context, request);
    return result < 0 ? this.fault(context, request, -result) : result;
  }

  /**
   * What the request goes through, from the cache or the tables. Undefined when they block it: the fault is recorded
   * then, also for ATS requests of a device that may not use it (spec H11, H26 step 5).
   */
  contextFor(request: TranslationRequest): TranslationContext | undefined {
    const cached = this.contexts.find(request.sourceId, request.pasid);
    const context = cached ?? new TranslationContext();
    this.#lookupReason = cached === undefined ? this.#lookup(request, context) : cached.absence;
    if (cached === undefined && (this.#lookupReason === 0 || this.#capabilities.cachingMode)) {
      context.absence = this.#lookupReason;
      if (context.absence !== 0) context.domainId = ABSENT_DOMAIN_ID;
      this.contexts.insert(context);
    }
    const usesAts = request.addressType !== AddressType.UNTRANSLATED;
    if (this.#lookupReason === 0 && usesAts && !context.allowsAts) this.#lookupReason = this.#reasons.atsBlocked;
    if (this.#lookupReason === 0) return context;
    this.fault(context, request, this.#lookupReason);
    return undefined;
  }

  /** Translates in a context, recording nothing: a physical address or a negative fault reason. */
  resolve(context: TranslationContext, request: TranslationRequest): number {
    const { address, right } = request;
    if (context.translation === Translation.PASS_THROUGH) return address;
    // What a supervisor or a fetch may do says nothing about other requests, and the caches hold no such rights.
    const cacheable = !request.privileged && !request.execute;
    const tag = cacheable ? this.caches.spaces.tagOfSpace(context.space) : 0;
    const cached = this.caches.lookup(tag, address, right);
    if (cached >= 0) return cached;
    if (this.#capabilities.cachingMode && context.translation === Translation.SECOND_STAGE) {
      const reason = this.caches.absenceOf(tag, address);
      if (reason !== 0) return -reason;
    }
    const page = this.stages.walk(context, tag, request);
    if (page < 0) return this.#absent(context, tag, request, page);
    const { pageShift, pageRights } = this.stages;
    this.caches.insertPage(tag, address, pageShift, page, pageRights);
    return page + (address & (2 ** pageShift - 1));
  }

  /** Caching mode caches second-stage faults too, where neither right is granted (spec H28). Returns the fault. */
  #absent(context: TranslationContext, tag: number, request: TranslationRequest, fault: number): number {
    if (!this.#capabilities.cachingMode || context.translation !== Translation.SECOND_STAGE) return fault;
    const { right } = request;
    request.right = right === ALLOWS_WRITE ? ALLOWS_READ : ALLOWS_WRITE;
    const other = this.stages.walk(context, tag, request);
    request.right = right;
    if (other < 0) this.caches.insertAbsence(tag, request.address, -fault);
    return fault;
  }

  /** Records the fault (spec H24, H25) and returns the negative reason. */
  fault(context: TranslationContext, request: TranslationRequest, reason: number): number {
    if (context.suppressesFaults && isQualified(reason)) return -reason;
    const details = this.#details;
    details.sourceId = request.sourceId;
    details.address = request.address;
    details.reason = reason;
    details.read = (request.right & ALLOWS_READ) !== 0 ? 1 : 0;
    details.type2 = request.right === (ALLOWS_READ | ALLOWS_WRITE) ? 1 : 0;
    details.pasid = request.pasid;
    details.execute = request.execute ? 1 : 0;
    details.privileged = request.privileged ? 1 : 0;
    details.addressType = request.addressType;
    this.faults.record(details);
    return -reason;
  }

  #lookup(request: TranslationRequest, context: TranslationContext): number {
    context.sourceId = request.sourceId;
    context.requestPasid = request.pasid;
    const { spaces } = this.caches;
    if (this.#mode !== TranslationTableMode.SCALABLE) {
      if (request.pasid !== NO_PASID) return ScalableFault.PASID_IN_LEGACY_MODE;
      const reason = this.#legacy.lookup(this.#rootTable, context, this.#reasons);
      if (reason === 0) context.space = spaces.intern(context.domainId, NO_PASID);
      return reason;
    }
    const reason = this.#scalable.lookup(this.#rootTable, context, this.#reasons);
    if (reason !== 0) return reason;
    const usesFirst = context.translation === Translation.FIRST_STAGE || context.translation === Translation.NESTED;
    context.secondSpace = spaces.intern(context.domainId, NO_PASID);
    context.space = usesFirst ? spaces.intern(context.domainId, context.pasid) : context.secondSpace;
    return 0;
  }
}
