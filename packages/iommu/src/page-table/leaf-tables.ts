import type { TableMemory } from './table-memory.ts';

const SLOTS = 256;
const NO_WORDS = new Int32Array(0);

/**
 * The leaf tables that were used last, as the words of memory that they are, so that a 4 KiB page is mapped and unmapped
 * without a walk from the root and without finding the memory again for each word. Direct-mapped by the 512 pages that a
 * table covers; forgotten as a whole whenever a table goes. Memory that gives no words out is never remembered.
 */
export class LeafTables {
  /** By slot: the buffer that holds a table, and the index of its first word. */
  readonly words: Int32Array[] = new Array<Int32Array>(SLOTS).fill(NO_WORDS);
  readonly bases = new Int32Array(SLOTS);
  /** First IO virtual page number of the table, -1 while the slot is empty. */
  readonly #firsts = new Float64Array(SLOTS).fill(-1);
  readonly #memory: TableMemory;

  constructor(memory: TableMemory) {
    this.#memory = memory;
  }

  /** Slot of the table that maps that page number, or -1 when it isn't known. */
  slotOf(pfn: number): number {
    const slot = (pfn >>> 9) & (SLOTS - 1);
    return this.#firsts[slot] === pfn - (pfn & 511) ? slot : -1; // the remainder by bits: `%` on doubles is a call
  }

  /** The table at that physical address maps that page number. It has been zeroed, so its memory has words if any has. */
  remember(pfn: number, table: number): void {
    const words = this.#memory.wordsOf?.(table);
    if (words === undefined) return;
    const slot = (pfn >>> 9) & (SLOTS - 1);
    this.words[slot] = words;
    this.bases[slot] = this.#memory.wordIndexOf?.(table) ?? 0;
    this.#firsts[slot] = pfn - (pfn & 511);
  }

  /** The table that maps that page number can't be worked on one entry at a time any more. */
  forgetTable(pfn: number): void {
    const slot = this.slotOf(pfn);
    if (slot >= 0) this.#firsts[slot] = -1;
  }

  forget(): void {
    this.#firsts.fill(-1);
  }
}
