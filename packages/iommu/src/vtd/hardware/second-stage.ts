import { ALLOWS_WRITE, QUICK_TABLE } from '../../hardware/translation-array.ts';
import type { TranslationCaches } from '../../hardware/translation-caches.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { lowMask } from '../../spec/bits.ts';
import { INTERRUPT_WINDOW_FIRST, INTERRUPT_WINDOW_LAST, levelShift, SecondStageEntry } from '../../spec/vtd-paging.ts';
import type { VtdCapabilities } from '../capabilities.ts';
import type { FaultReasons } from './fault-reasons.ts';
import type { TranslationContext } from './translation-context.ts';

/** R and W stand where the rights of a cached translation stand, so that rights are the entry's low bits. */
const RIGHTS = lowMask(SecondStageEntry.R) | lowMask(SecondStageEntry.W);
const LARGE = lowMask(SecondStageEntry.PS);
const ACCESSED = lowMask(SecondStageEntry.A);
const DIRTY = lowMask(SecondStageEntry.D);
const ADDRESS_LOW = lowMask(SecondStageEntry.ADDR);
const TM_HIGH = 2 ** 30;
const SNOOP = lowMask(SecondStageEntry.SNP);
/** Mask of an entry's byte offset in its table. */
const INDEX_BYTES = 511 * 8;
/** The same in words of 32 bits. */
const INDEX_WORDS = 511 * 2;
const NO_WORDS = new Int32Array(0);

/** The walk of second-stage tables (spec H18, H26 step 8). One leaf at a time; its size and rights stay in fields. */
export class SecondStage {
  /** log2 of the leaf that the latest successful {@link walk} found. */
  leafShift = 12;
  /** Rights of that leaf, ANDed over all levels. */
  leafRights = 0;
  /** Address of the page that {@link walkQuickly} found; as its result the double would be boxed. */
  readonly quickPage = new Float64Array(1);
  /** A write has to come back here to set D: the translation may not be cached as writable (spec H13b). */
  leafClean = false;
  /** Where the walk is: the table, its level, and the rights of all entries above it. */
  #table = 0;
  #level = 0;
  #rights = 0;
  readonly #memory: UnitMemory;
  readonly #caches: TranslationCaches;
  /**
   * By slot of a quick table: the buffer that holds it and the index of its first word, which find the leaf in one load
   * where memory would be searched twice. They say nothing about access: a table may stop answering while it is cached.
   */
  readonly #words: Int32Array[];
  readonly #bases: Int32Array;
  /** Reserved bits of the high half, in every entry. */
  readonly #reservedHigh: number = 0;
  /** Mask of the high half's address bits. */
  readonly #addressHigh: number = 0;
  readonly #reservedLeafLow: number = 0;
  readonly #largeLevels: number = 0;

  constructor(memory: UnitMemory, caches: TranslationCaches, capabilities: VtdCapabilities, hostAddressBits: number) {
    this.#memory = memory;
    this.#caches = caches;
    this.#words = new Array<Int32Array>(caches.tables1.mask + 1).fill(NO_WORDS);
    this.#bases = new Int32Array(caches.tables1.mask + 1);
    this.#addressHigh = 2 ** (hostAddressBits - 32) - 1;
    this.#reservedHigh = ((2 ** 20 - 1) ^ this.#addressHigh) | TM_HIGH;
    this.#reservedLeafLow = capabilities.snoopControl ? 0 : SNOOP;
    this.#largeLevels = largeLevels(capabilities.secondStagePageSizes);
  }

  /**
   * Physical address of the leaf that translates an address below the context's limit, or a negative fault reason.
   * @param right `ALLOWS_READ`, `ALLOWS_WRITE` or both
   */
  walk(context: TranslationContext, tag: number, address: number, right: number, reasons: FaultReasons): number {
    this.#table = context.secondRoot;
    this.#level = context.secondLevels;
    this.#rights = RIGHTS;
    // With A/D updates on, every table entry used has to be seen, so the walk starts at the root.
    if (!context.secondAccessedDirty) this.#startBelowRoot(tag, address, right);
    return this.#descend(context, tag, address, right, reasons);
  }

  /** Starts at the lowest table that is cached with the rights that the request needs. */
  #startBelowRoot(tag: number, address: number, right: number): void {
    const { tables1, tables2 } = this.#caches;
    const slot1 = tables1.find(tag, address);
    if (slot1 >= 0 && (tables1.rights[slot1] & right) === right) {
      this.#table = tables1.targets[slot1];
      this.#rights = tables1.rights[slot1] & RIGHTS;
      this.#level = 1;
      return;
    }
    const slot2 = tables2.find(tag, address);
    if (slot2 < 0 || (tables2.rights[slot2] & right) !== right) return;
    this.#table = tables2.targets[slot2];
    this.#rights = tables2.rights[slot2];
    this.#level = 2;
  }

  /**
   * Finds a 4 KiB leaf whose table is cached, and leaves it in {@link quickPage} and its rights as a walk does. False when
   * it takes {@link walk}, be it to find a fault. Most misses end here: 115 ns became 45 (vtd-unit.bench.ts).
   */
  walkQuickly(tag: number, address: number, right: number): boolean {
    const { tables1 } = this.#caches;
    const slot = tables1.find(tag, address);
    const needed = right | QUICK_TABLE;
    if (slot < 0 || (tables1.rights[slot] & needed) !== needed) return false;
    const at = tables1.targets[slot] + ((address >>> 9) & INDEX_BYTES);
    if (!this.#memory.canAccess(at)) return false;
    const words = this.#words[slot];
    const index = this.#bases[slot] + ((address >>> 11) & INDEX_WORDS);
    const low = words === NO_WORDS ? this.#memory.load32(at) : words[index];
    if ((low & right) !== right || (low & this.#reservedLeafLow) !== 0) return false;
    const high = words === NO_WORDS ? this.#memory.load32(at + 4) : words[index + 1];
    const page = (high & this.#addressHigh) * 2 ** 32 + ((low & ADDRESS_LOW) >>> 0);
    if ((high & this.#reservedHigh) !== 0 || (page >= INTERRUPT_WINDOW_FIRST && page <= INTERRUPT_WINDOW_LAST))
      return false;
    this.leafRights = tables1.rights[slot] & low & RIGHTS;
    this.quickPage[0] = page;
    return true;
  }

  #descend(context: TranslationContext, tag: number, address: number, right: number, reasons: FaultReasons): number {
    for (; ; this.#level--) {
      const level = this.#level;
      const at = this.#table + entryOffset(address, level);
      if (!this.#memory.canAccess(at)) {
        return -(level === context.secondLevels ? reasons.secondRootAccess : reasons.secondAccess);
      }
      const low = this.#memory.load32(at);
      const missing = right & ~low;
      if (missing !== 0) return -((missing & ALLOWS_WRITE) !== 0 ? reasons.secondNoWrite : reasons.secondNoRead);
      const high = this.#memory.load32(at + 4);
      const isLeaf = level === 1 || (low & LARGE) !== 0;
      if (this.#hasReserved(low, high, level, isLeaf)) return -reasons.secondReserved;
      this.#rights &= low;
      const target = (high & this.#addressHigh) * 2 ** 32 + ((low & ADDRESS_LOW) >>> 0);
      if (isLeaf && overlapsInterruptWindow(target, levelShift(level))) return -reasons.secondInterruptRange;
      if (context.secondAccessedDirty) this.#markUsed(at, low, isLeaf, right);
      if (isLeaf) {
        this.leafShift = levelShift(level);
        this.leafRights = this.#rights;
        this.leafClean = context.secondAccessedDirty && (right & ALLOWS_WRITE) === 0 && (low & DIRTY) === 0;
        return target;
      }
      this.#table = target;
      this.#cacheTable(tag, address, context.secondAccessedDirty);
    }
  }

  #cacheTable(tag: number, address: number, marksUse: boolean): void {
    const { tables1, tables2 } = this.#caches;
    const rights = this.#rights;
    if (this.#level === 3) tables2.insert(tag, address, this.#table, rights);
    if (this.#level !== 2) return;
    const slot = tables1.insert(tag, address, this.#table, marksUse ? rights : rights | QUICK_TABLE);
    if (slot >= 0) this.#keepWords(slot);
  }

  /** Of the table that the walk has reached. A page that doesn't answer isn't looked up, it may be none of memory's. */
  #keepWords(slot: number): void {
    const words = this.#memory.canAccess(this.#table) ? this.#memory.wordsOf(this.#table) : undefined;
    this.#words[slot] = words ?? NO_WORDS;
    this.#bases[slot] = words === undefined ? 0 : this.#memory.wordIndexOf(this.#table);
  }

  /** Bits that must be zero: above the address width, TM, SNP without the feature, PS and alignment of large leaves. */
  #hasReserved(low: number, high: number, level: number, isLeaf: boolean): boolean {
    if ((high & this.#reservedHigh) !== 0) return true;
    if (!isLeaf) return false;
    if ((low & this.#reservedLeafLow) !== 0) return true;
    if (level === 1) return false;
    return ((this.#largeLevels >> level) & 1) === 0 || (low & (2 ** levelShift(level) - 4096)) !== 0;
  }

  /** A in every entry used, D in the leaf of a write, before data moves (spec H13b). */
  #markUsed(at: number, low: number, isLeaf: boolean, right: number): void {
    const marked = low | ACCESSED | (isLeaf && (right & ALLOWS_WRITE) !== 0 ? DIRTY : 0);
    if (marked !== low) this.#memory.store32(at, marked >>> 0);
  }
}

/** Does a page of that size reach into the interrupt window? Its output is blocked then (spec H10). */
export function overlapsInterruptWindow(page: number, shift: number): boolean {
  return page <= INTERRUPT_WINDOW_LAST && page + 2 ** shift > INTERRUPT_WINDOW_FIRST;
}

/** Byte offset of the entry for that address in a table of that level. */
export function entryOffset(address: number, level: number): number {
  if (level === 1) return (address >>> 9) & INDEX_BYTES;
  if (level === 2) return (address >>> 18) & INDEX_BYTES;
  return ((address * 2 ** (3 - levelShift(level))) & INDEX_BYTES) >>> 0;
}

/** Bit n set: level n may hold a leaf. */
export function largeLevels(pageSizes: number): number {
  return 1 | (1 << 1) | ((pageSizes & (2 ** 21)) !== 0 ? 1 << 2 : 0) | ((pageSizes & (2 ** 30)) !== 0 ? 1 << 3 : 0);
}
