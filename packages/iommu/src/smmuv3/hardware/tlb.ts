import { TranslationArray } from '../../hardware/translation-array.ts';
import { ANY, GLOBAL_ASID, Regime, TlbSpaces } from './tlb-spaces.ts';

const BLOCK_ENTRIES = 64;
const TABLE_ENTRIES = 256;
/** log2 of the leaf sizes beside 4 KiB: those of all granules (spec H64). */
const LARGE_SHIFTS = [14, 16, 21, 25, 29, 30] as const;
/** log2 of what a cached table translates: level 3 tables of each granule, and level 2 tables of 4 KiB ones. */
const TABLE_SHIFTS = [21, 25, 29, 30] as const;

/**
 * The TLB of a unit, and the tables that it remembers on the way to leaves: stale until invalidated (spec H4). Entries go
 * only by invalidation or because another page needs their slot. Leaves of 64 KiB tables at level 1 (4 TiB) aren't kept.
 */
export class Tlb {
  readonly spaces: TlbSpaces;
  readonly pages: TranslationArray;
  /** log2 of the size that the latest {@link find} found. */
  foundShift = 0;
  /** Rights of what it found. */
  foundRights = 0;
  readonly #large: readonly TranslationArray[];
  readonly #tables: readonly TranslationArray[];
  /** The same by shift. */
  readonly #leavesByShift: (TranslationArray | undefined)[] = [];
  readonly #tablesByShift: (TranslationArray | undefined)[] = [];

  /**
   * @param entries 4 KiB pages: a power of two
   * @param forgetTags drops whatever holds tags: called, after 2^31 flushes, before tags are used again
   */
  constructor(entries: number, forgetTags: () => void) {
    this.spaces = new TlbSpaces(() => {
      this.#clear();
      forgetTags();
    });
    this.pages = new TranslationArray(12, entries);
    this.#large = LARGE_SHIFTS.map((shift) => new TranslationArray(shift, shift < 21 ? entries : BLOCK_ENTRIES));
    this.#tables = TABLE_SHIFTS.map((shift) => new TranslationArray(shift, TABLE_ENTRIES));
    for (const array of [this.pages, ...this.#large]) this.#leavesByShift[array.pageShift] = array;
    for (const array of this.#tables) this.#tablesByShift[array.pageShift] = array;
  }

  /** First byte of the page that the address lies in, as it was cached; -1 for a miss. */
  find(tag: number, address: number): number {
    let slot = this.#findIn(this.pages, tag, address);
    if (slot >= 0) return this.pages.targets[slot];
    for (let i = 0; i < this.#large.length; i++) {
      slot = this.#findIn(this.#large[i], tag, address);
      if (slot >= 0) return this.#large[i].targets[slot];
    }
    return -1;
  }

  insert(tag: number, address: number, shift: number, target: number, rights: number): void {
    this.#leavesByShift[shift]?.insert(tag, address, target, rights);
  }

  /** The table that translates 2^shift bytes around an address, or -1; its rights in {@link foundRights}. */
  findTable(tag: number, address: number, shift: number): number {
    const array = this.#tablesByShift[shift];
    if (array === undefined) return -1;
    const slot = this.#findIn(array, tag, address);
    return slot < 0 ? -1 : array.targets[slot];
  }

  insertTable(tag: number, address: number, shift: number, table: number, rights: number): void {
    this.#tablesByShift[shift]?.insert(tag, address, table, rights);
  }

  /** One space's translations of a range, and those that hold for every ASID (spec H72 NH_VA). */
  dropRange(regime: number, vmid: number, asid: number, start: number, lengthBytes: number, leafOnly: boolean): void {
    const { spaces } = this;
    if (asid !== ANY) {
      this.#drop(spaces.find(regime, vmid, asid), start, lengthBytes, leafOnly);
      if (regime !== Regime.STAGE2) this.#drop(spaces.find(regime, vmid, GLOBAL_ASID), start, lengthBytes, leafOnly);
      return;
    }
    for (let space = 0; space < spaces.count; space++) {
      if (spaces.covers(space, regime, vmid, ANY)) this.#drop(space, start, lengthBytes, leafOnly);
    }
  }

  #drop(space: number, start: number, lengthBytes: number, leafOnly: boolean): void {
    if (space < 0) return;
    const tag = this.spaces.tagOf(space);
    this.pages.drop(tag, start, lengthBytes);
    for (let i = 0; i < this.#large.length; i++) this.#large[i].drop(tag, start, lengthBytes);
    if (leafOnly) return;
    for (let i = 0; i < this.#tables.length; i++) this.#tables[i].drop(tag, start, lengthBytes);
  }

  #findIn(array: TranslationArray, tag: number, address: number): number {
    const slot = array.find(tag, address);
    if (slot < 0) return -1;
    this.foundShift = array.pageShift;
    this.foundRights = array.rights[slot];
    return slot;
  }

  #clear(): void {
    for (const array of [this.pages, ...this.#large, ...this.#tables]) array.clear();
  }
}
