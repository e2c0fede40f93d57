import { ALLOWS_READ, ALLOWS_WRITE } from '../../hardware/translation-array.ts';
import type { TranslationCaches } from '../../hardware/translation-caches.ts';
import type { TranslationRequest } from '../../hardware/translation-request.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { highMask, lowMask } from '../../spec/bits.ts';
import { ScalableFault } from '../../spec/vtd-faults.ts';
import { FIRST_STAGE_LARGE_PAT, FirstStageEntry, levelShift } from '../../spec/vtd-paging.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import { entryOffset, largeLevels, overlapsInterruptWindow } from './second-stage.ts';
import type { TranslationContext } from './translation-context.ts';

const PRESENT = lowMask(FirstStageEntry.P);
const WRITABLE = lowMask(FirstStageEntry.RW);
const USER = lowMask(FirstStageEntry.US);
const ACCESSED = lowMask(FirstStageEntry.A);
const DIRTY = lowMask(FirstStageEntry.D);
const LARGE = lowMask(FirstStageEntry.PS);
const EXTENDED_ACCESSED = lowMask(FirstStageEntry.EA);
const LARGE_PAT = lowMask(FIRST_STAGE_LARGE_PAT);
const ADDRESS_LOW = lowMask(FirstStageEntry.ADDR);
const EXECUTE_DISABLE_HIGH = highMask(FirstStageEntry.XD);

/** How a first stage reaches its own tables: through a second stage when nested, else as they are. */
export interface TableReach {
  /** Physical address of a table entry, or a negative fault reason. */
  tableEntry(context: TranslationContext, at: number, isRoot: boolean): number;
}

/** The walk of first-stage tables (spec H22, H26). One leaf at a time; its size and rights stay in fields. */
export class FirstStage {
  /** log2 of the leaf that the latest successful {@link walk} found. */
  leafShift = 12;
  leafRights = 0;
  /** A write has to come back here to set D: the translation may not be cached as writable (spec H13b). */
  leafClean = false;
  /** Where the walk is: the table, its level, and the rights of all entries above it. */
  #table = 0;
  #level = 0;
  #rights = 0;
  readonly #memory: UnitMemory;
  readonly #caches: TranslationCaches;
  readonly #addressHigh: number = 0;
  readonly #reservedHigh: number = 0;
  readonly #largeLevels: number = 0;
  readonly #reach: TableReach;
  #executeDisabled = false;

  constructor(
    memory: UnitMemory,
    caches: TranslationCaches,
    capabilities: VtdCapabilities,
    hostAddressBits: number,
    reach: TableReach,
  ) {
    this.#memory = memory;
    this.#caches = caches;
    this.#addressHigh = 2 ** (hostAddressBits - 32) - 1;
    this.#reservedHigh = (2 ** 20 - 1) ^ this.#addressHigh;
    this.#largeLevels = largeLevels(capabilities.firstStagePageSizes);
    this.#reach = reach;
  }

  /**
   * Address of the leaf that translates a request (a guest address when nested), or a negative fault reason.
   * @param tag what to cache tables under; 0 for a request that must not use or fill the caches
   */
  walk(context: TranslationContext, tag: number, request: TranslationRequest): number {
    if (request.privileged && !context.supervisorRequests) return -ScalableFault.SUPERVISOR_REQUESTS_DISABLED;
    if (request.execute && !context.executeRequests) return -ScalableFault.EXECUTE_REQUESTS_DISABLED;
    // Addresses are below 2^52 here, so a canonical one has nothing above its sign bit and that bit clear.
    if (request.address >= 2 ** (levelShift(context.firstLevels + 1) - 1)) return -ScalableFault.NOT_CANONICAL;
    this.#executeDisabled = false;
    this.#table = context.firstRoot;
    this.#level = context.firstLevels;
    this.#rights = ALLOWS_READ | ALLOWS_WRITE;
    const { tables1 } = this.#caches;
    const slot = tables1.find(tag, request.address);
    if (slot >= 0 && (tables1.rights[slot] & request.right) === request.right) {
      this.#table = tables1.targets[slot];
      this.#level = 1;
      this.#rights = tables1.rights[slot];
    }
    return this.#descend(context, tag, request);
  }

  #descend(context: TranslationContext, tag: number, request: TranslationRequest): number {
    for (; ; this.#level--) {
      const level = this.#level;
      const isRoot = level === context.firstLevels;
      const at = this.#reach.tableEntry(context, this.#table + entryOffset(request.address, level), isRoot);
      if (at < 0) return at;
      const low = this.#memory.load32(at);
      const high = this.#memory.load32(at + 4);
      if ((low & PRESENT) === 0) return -ScalableFault.FIRST_STAGE_NOT_PRESENT;
      const isLeaf = level === 1 || (low & LARGE) !== 0;
      if (this.#hasReserved(low, high, level, isLeaf)) return -ScalableFault.FIRST_STAGE_RESERVED;
      const refusal = this.#refusal(context, request, low);
      if (refusal !== 0) return -refusal;
      if ((low & WRITABLE) === 0) this.#rights = ALLOWS_READ;
      this.#executeDisabled ||= (high & EXECUTE_DISABLE_HIGH) !== 0;
      const target = (high & this.#addressHigh) * 2 ** 32 + ((low & ADDRESS_LOW) >>> 0);
      if (isLeaf) return this.#leaf(context, request, at, low, target);
      this.#mark(at, low, context.extendedAccessed ? ACCESSED | EXTENDED_ACCESSED : ACCESSED);
      this.#table = target;
      if (level === 2) this.#caches.tables1.insert(tag, request.address, target, this.#rights);
    }
  }

  /** User bit and write permission, at every level (spec H22): a fault reason or 0. */
  #refusal(context: TranslationContext, request: TranslationRequest, low: number): number {
    if (!request.privileged && (low & USER) === 0) return ScalableFault.NOT_USER;
    if ((request.right & ALLOWS_WRITE) === 0 || (low & WRITABLE) !== 0) return 0;
    return request.privileged && !context.writeProtectsSupervisor ? 0 : ScalableFault.NO_WRITE;
  }

  /** A in every entry used, D in the leaf of a write, before data moves (spec H13b). */
  #leaf(context: TranslationContext, request: TranslationRequest, at: number, low: number, target: number): number {
    const shift = levelShift(this.#level);
    const page = this.#level === 1 ? target : target - (target % 2 ** shift);
    if (request.execute && this.#executeDisabled && context.noExecuteEnabled) return -ScalableFault.NO_EXECUTE;
    if (overlapsInterruptWindow(page, shift)) return -ScalableFault.INTERRUPT_RANGE;
    const writes = (request.right & ALLOWS_WRITE) !== 0;
    const used = context.extendedAccessed ? ACCESSED | EXTENDED_ACCESSED : ACCESSED;
    this.#mark(at, low, writes ? used | DIRTY : used);
    this.leafShift = shift;
    this.leafRights = this.#rights;
    this.leafClean = !writes && (low & DIRTY) === 0;
    return page;
  }

  /** Address bits above the width; PS where there is no such page; alignment of large pages, PAT aside. */
  #hasReserved(low: number, high: number, level: number, isLeaf: boolean): boolean {
    if ((high & this.#reservedHigh) !== 0) return true;
    if (!isLeaf || level === 1) return false;
    return ((this.#largeLevels >> level) & 1) === 0 || (low & (2 ** levelShift(level) - 4096) & ~LARGE_PAT) !== 0;
  }

  #mark(at: number, low: number, bits: number): void {
    const marked = (low | bits) >>> 0;
    if (marked !== low) this.#memory.store32(at, marked);
  }
}
