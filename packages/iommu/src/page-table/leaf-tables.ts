import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import type { TableMemory } from './table-memory.ts';

const SLOTS = 256;
const PAGES_SHIFT = 9; // 512 pages a table
const LAST_PAGE = 511;
const RIGHTS = IOMMU_READ | IOMMU_WRITE;
/** Sums of `IOMMU_*`: six bits. */
const LAST_PROTECTION = 63;
/** Physical pages that an entry has room for. */
const PFN_LIMIT = 2 ** 40;

/** A table of 4 KiB pages, as the words of memory that it is. */
export class LeafTable {
  /** IO virtual page number of its first page, divided by 512. */
  readonly number: number = 0;
  /** The buffer that holds it, and the index of its first word there. */
  readonly words: Int32Array;
  readonly base: number = 0;

  constructor(number: number, words: Int32Array, base: number) {
    this.number = number;
    this.words = words;
    this.base = base;
  }
}

/** In a slot that holds none: a number that no page has, not even a negative one. */
const NO_TABLE = new LeafTable(-(2 ** 30), new Int32Array(0), 0);

/**
 * The leaf tables that were used last, so that a 4 KiB page is mapped and unmapped without a walk from the root and without
 * finding the memory again for each word. Direct-mapped by the 512 pages that a table covers; forgotten as a whole whenever
 * a table goes. Memory that gives no words out is never remembered.
 */
export class LeafTables {
  /** Objects and not columns: one load and one look instead of three. */
  readonly #slots: LeafTable[] = new Array<LeafTable>(SLOTS).fill(NO_TABLE);
  readonly #memory: TableMemory;

  readonly #presentMask: number = 0;
  /** Low half of a 4 KiB leaf by protection, address aside. */
  readonly #flags: readonly number[];

  constructor(memory: TableMemory, presentMask: number, flags: readonly number[]) {
    this.#memory = memory;
    this.#presentMask = presentMask;
    this.#flags = flags;
  }

  /**
   * Writes the entry of one page. False, with nothing written, where that takes more than a look at one entry: its table
   * isn't known, something is mapped there, or the arguments fit no entry.
   */
  write(iovaPfn: number, physPfn: number, prot: number): boolean {
    const table = this.find(iovaPfn);
    // A known leaf table vouches for the address: what is left to check are rights and the physical range.
    if (table === null || (prot & RIGHTS) === 0 || !(physPfn >= 0 && physPfn < PFN_LIMIT)) return false;
    const { words } = table;
    const at = table.base + ((iovaPfn & LAST_PAGE) << 1);
    if ((words[at] & this.#presentMask) !== 0) return false;
    words[at] = (physPfn << 12) | this.#flags[prot & LAST_PROTECTION];
    words[at + 1] = physPfn * 2 ** -20;
    return true;
  }

  /**
   * Clears the entry of one page and returns the physical page number that it held. -1, with nothing cleared, where that
   * takes more than a look at one entry: its table isn't known, nothing is mapped there, or page 0 is (spec T16).
   */
  take(iovaPfn: number): number {
    const table = this.find(iovaPfn);
    if (table === null) return -1;
    const { words } = table;
    const at = table.base + ((iovaPfn & LAST_PAGE) << 1);
    const low = words[at];
    const physPfn = words[at + 1] * 2 ** 20 + (low >>> 12);
    if ((low & this.#presentMask) === 0 || physPfn <= 0) return -1;
    words[at] = 0;
    words[at + 1] = 0;
    return physPfn;
  }

  /** The table that maps that page number, or null when it isn't known. */
  find(pfn: number): LeafTable | null {
    const number = pfn < 2 ** 31 ? pfn >> PAGES_SHIFT : numberOf(pfn);
    const table = this.#slots[number & (SLOTS - 1)];
    return table.number === number ? table : null;
  }

  /** The table at that physical address maps that page number. It has been zeroed, so its memory has words if any has. */
  remember(pfn: number, table: number): void {
    const words = this.#memory.wordsOf?.(table);
    if (words === undefined) return;
    const number = numberOf(pfn);
    this.#slots[number & (SLOTS - 1)] = new LeafTable(number, words, this.#memory.wordIndexOf?.(table) ?? 0);
  }

  /** The table that maps that page number can't be worked on one entry at a time any more. */
  forgetTable(pfn: number): void {
    if (this.find(pfn) !== null) this.#slots[numberOf(pfn) & (SLOTS - 1)] = NO_TABLE;
  }

  forget(): void {
    this.#slots.fill(NO_TABLE);
  }
}

/** A shift would do for small integers only. */
function numberOf(pfn: number): number {
  return Math.floor(pfn * 2 ** -PAGES_SHIFT);
}
