import { INTERRUPT_WINDOW_FIRST, INTERRUPT_WINDOW_LAST } from '../../spec/vtd-paging.ts';
import { TranslationTableMode } from '../../spec/vtd-registers.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import { NO_PASID } from './address-spaces.ts';
import { ContextCache } from './context-cache.ts';
import type { SendMessage } from './event-interrupt.ts';
import { FaultDetails, FaultLog } from './fault-log.ts';
import { type FaultCodes, type FaultReasons, faultReasons, isQualified } from './fault-reasons.ts';
import { LegacyTables } from './legacy-tables.ts';
import { SecondStage } from './second-stage.ts';
import { ALLOWS_WRITE } from './translation-array.ts';
import { TranslationCaches } from './translation-caches.ts';
import { Translation, TranslationContext } from './translation-context.ts';
import type { UnitMemory } from './unit-memory.ts';

/** The request was dropped without a fault record: a read of the interrupt window (spec H10), or an aborting root table. */
export const VTD_BLOCKED = -0x1000;

export interface TranslatorOptions {
  readonly hostAddressBits: number;
  readonly faultCodes: FaultCodes;
  readonly iotlbEntries: number;
  readonly send: SendMessage;
}

/** Translates requests (spec H26): hit path, lookups on a miss, and the fault that a blocked request leaves behind. */
export class Translator {
  readonly contexts = new ContextCache();
  readonly caches: TranslationCaches;
  readonly faults: FaultLog;
  readonly #details = new FaultDetails();
  readonly #legacy: LegacyTables;
  readonly #secondStage: SecondStage;
  readonly #faultCodes: FaultCodes;
  #enabled = false;
  #rootTable = 0;
  #mode: number = TranslationTableMode.LEGACY;
  #reasons: FaultReasons;

  constructor(memory: UnitMemory, capabilities: VtdCapabilities, options: TranslatorOptions) {
    this.caches = new TranslationCaches(options.iotlbEntries);
    this.faults = new FaultLog(capabilities.faultRecords, options.send);
    this.#legacy = new LegacyTables(memory, capabilities, options.hostAddressBits);
    this.#secondStage = new SecondStage(memory, this.caches, capabilities, options.hostAddressBits);
    this.#faultCodes = options.faultCodes;
    this.#reasons = faultReasons(false, options.faultCodes);
  }

  /** GCMD.TE. While off, requests pass untranslated. */
  setEnabled(enabled: boolean): void {
    this.#enabled = enabled;
  }

  /** GCMD.SRTP took RTADDR over. Stale entries stay unless the unit clears them (CAP.ESRTPS). */
  setRootTable(rootTable: number, mode: number): void {
    this.#rootTable = rootTable;
    this.#mode = mode;
    this.#reasons = faultReasons(mode === TranslationTableMode.SCALABLE, this.#faultCodes);
  }

  /** See {@link VtdUnit.translate}. A hit is the first compare: 4 ns (vtd-unit.bench.ts), so nothing else may come first. */
  translate(sourceId: number, address: number, isWrite: number): number {
    if (!this.#enabled) return address;
    const { pages } = this.caches;
    const slot = (address >>> 12) & pages.mask;
    const offset = address & 0xfff;
    if (
      pages.pages[slot] === address - offset &&
      pages.tags[slot] === this.caches.spaces.tags[this.contexts.spaceOf[sourceId]] &&
      (pages.rights[slot] & (1 << isWrite)) !== 0
    ) {
      return pages.targets[slot] + offset;
    }
    return this.#translateSlowly(sourceId, address, 1 << isWrite);
  }

  #translateSlowly(sourceId: number, address: number, right: number): number {
    if (address >= INTERRUPT_WINDOW_FIRST && address <= INTERRUPT_WINDOW_LAST) {
      return right === ALLOWS_WRITE ? address : VTD_BLOCKED;
    }
    if (this.#mode === TranslationTableMode.ABORT) return VTD_BLOCKED;
    let context = this.contexts.find(sourceId, NO_PASID);
    if (context === undefined) {
      context = new TranslationContext();
      const reason = this.#lookup(sourceId, context);
      if (reason !== 0) return this.#fault(context, address, right, reason);
      this.contexts.insert(context);
    }
    return this.#translateIn(context, address, right);
  }

  #lookup(sourceId: number, context: TranslationContext): number {
    context.sourceId = sourceId;
    const reason = this.#legacy.lookup(this.#rootTable, context, this.#reasons);
    if (reason === 0) context.space = this.caches.spaces.intern(context.domainId, NO_PASID);
    return reason;
  }

  #translateIn(context: TranslationContext, address: number, right: number): number {
    if (context.translation === Translation.PASS_THROUGH) return address;
    const tag = this.caches.spaces.tags[context.space];
    const cached = this.caches.lookup(tag, address, right);
    if (cached >= 0) return cached;
    if (address >= context.secondLimit) return this.#fault(context, address, right, this.#reasons.secondBeyondLimit);
    const stage = this.#secondStage;
    const target = stage.walk(context, tag, address, right, this.#reasons);
    if (target < 0) return this.#fault(context, address, right, -target);
    const rights = stage.leafClean ? stage.leafRights & ~ALLOWS_WRITE : stage.leafRights;
    this.caches.insertPage(tag, address, stage.leafShift, target, rights);
    return target + (address & (2 ** stage.leafShift - 1));
  }

  /** Records the fault (spec H24, H25) and returns the negative reason. */
  #fault(context: TranslationContext, address: number, right: number, reason: number): number {
    if (context.suppressesFaults && isQualified(reason)) return -reason;
    const details = this.#details;
    details.sourceId = context.sourceId;
    details.address = address;
    details.reason = reason;
    details.read = right === ALLOWS_WRITE ? 0 : 1;
    details.pasid = context.requestPasid;
    this.faults.record(details);
    return -reason;
  }
}
