import { ALLOWS_READ, ALLOWS_WRITE } from '../../hardware/translation-array.ts';
import type { TranslationCaches } from '../../hardware/translation-caches.ts';
import type { TranslationRequest } from '../../hardware/translation-request.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { ScalableFault } from '../../spec/vtd-faults.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import type { FaultReasons } from './fault-reasons.ts';
import { FirstStage, type TableReach } from './first-stage.ts';
import { SecondStage } from './second-stage.ts';
import { Translation, type TranslationContext } from './translation-context.ts';

/** The paging that a context asks for: either stage, or the first on top of the second (spec H26). */
export class Stages implements TableReach {
  /** log2 of the page that the latest successful {@link walk} found. */
  pageShift = 12;
  /** Rights that the page may be cached with. */
  pageRights = 0;
  readonly #memory: UnitMemory;
  readonly #caches: TranslationCaches;
  readonly #first: FirstStage;
  readonly second: SecondStage;
  #reasons: FaultReasons;

  constructor(
    memory: UnitMemory,
    caches: TranslationCaches,
    capabilities: VtdCapabilities,
    hostAddressBits: number,
    reasons: FaultReasons,
  ) {
    this.#memory = memory;
    this.#caches = caches;
    this.#first = new FirstStage(memory, caches, capabilities, hostAddressBits, this);
    this.second = new SecondStage(memory, caches, capabilities, hostAddressBits);
    this.#reasons = reasons;
  }

  setReasons(reasons: FaultReasons): void {
    this.#reasons = reasons;
  }

  /** Physical address of the page that translates a request, or a negative fault reason. Tag 0: nothing is cached. */
  walk(context: TranslationContext, tag: number, request: TranslationRequest): number {
    if (context.translation === Translation.SECOND_STAGE) {
      return this.#walkSecond(context, tag, request.address, request.right);
    }
    const page = this.#first.walk(context, tag, request);
    if (page < 0) return page;
    this.pageShift = this.#first.leafShift;
    this.pageRights = withoutCleanWrite(this.#first.leafRights, this.#first.leafClean);
    return context.translation === Translation.NESTED ? this.#nestedPage(context, page, request) : page;
  }

  tableEntry(context: TranslationContext, at: number, isRoot: boolean): number {
    const host = context.translation === Translation.NESTED ? this.#hostAddress(context, at, isRoot) : at;
    if (host < 0 || this.#memory.canAccess(host)) return host;
    return -(isRoot ? ScalableFault.FIRST_STAGE_ROOT_ACCESS : ScalableFault.FIRST_STAGE_ACCESS);
  }

  /** Tables are read, and written for A and D, at guest addresses (spec H26: 0x74 to 0x77). */
  #hostAddress(context: TranslationContext, at: number, isRoot: boolean): number {
    if (at >= context.secondLimit) return -ScalableFault.NESTED_ADDRESS_BEYOND_LIMIT;
    const tag = this.#caches.spaces.tagOfSpace(context.secondSpace);
    const page = this.second.walk(context, tag, at, ALLOWS_READ | ALLOWS_WRITE, this.#reasons);
    if (page >= 0) return page + (at % 2 ** this.second.leafShift);
    if (-page === this.#reasons.secondNoWrite && this.#canRead(context, tag, at)) return -ScalableFault.NESTED_NO_WRITE;
    if (-page !== this.#reasons.secondNoRead && -page !== this.#reasons.secondNoWrite) return page;
    return -(isRoot ? ScalableFault.NESTED_ROOT_NO_READ : ScalableFault.NESTED_NO_READ);
  }

  #canRead(context: TranslationContext, tag: number, at: number): boolean {
    return this.second.walk(context, tag, at, ALLOWS_READ, this.#reasons) >= 0;
  }

  /** The page is the smaller of the two stages' pages, with the rights of both. */
  #nestedPage(context: TranslationContext, guestPage: number, request: TranslationRequest): number {
    const guest = guestPage + (request.address % 2 ** this.pageShift);
    const guestShift = this.pageShift;
    const rights = this.pageRights;
    const tag = this.#caches.spaces.tagOfSpace(context.secondSpace);
    const page = this.#walkSecond(context, tag, guest, request.right);
    if (page < 0) return page;
    this.pageRights &= rights;
    this.pageShift = Math.min(guestShift, this.pageShift);
    const host = page + (guest % 2 ** this.second.leafShift);
    return host - (host % 2 ** this.pageShift);
  }

  #walkSecond(context: TranslationContext, tag: number, address: number, right: number): number {
    if (address >= context.secondLimit) return -this.#reasons.secondBeyondLimit;
    const page = this.second.walk(context, tag, address, right, this.#reasons);
    if (page < 0) return page;
    this.pageShift = this.second.leafShift;
    this.pageRights = withoutCleanWrite(this.second.leafRights, this.second.leafClean);
    return page;
  }
}

function withoutCleanWrite(rights: number, isClean: boolean): number {
  return isClean ? rights & ~ALLOWS_WRITE : rights;
}
