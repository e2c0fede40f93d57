/** The bytes that tables live in: what a unit needs of a machine's memory. All addresses physical. */
export interface TableMemory {
  /** 32 bits little endian, unsigned; `at` is a multiple of 4. */
  load32(at: number): number;
  store32(at: number, value: number): void;
  /**
   * Memory may let whoever works on one 4 KiB page over and over keep its words: a buffer that holds the word at `at`, and
   * the rest of its page, from {@link wordIndexOf} on. Undefined where it would rather see each access.
   */
  wordsOf?(at: number): Int32Array | undefined;
  wordIndexOf?(at: number): number;
}

/** Memory that a driver builds tables in. */
export interface WritableTables extends TableMemory {
  /** Both halves at once, each modulo 2^32: no reader sees one without the other. `at` is a multiple of 8. */
  store64(at: number, low: number, high: number): void;
}

/** Where a driver gets table pages from and gives them back to. Contents don't matter: tables are zeroed here. */
export interface TablePages {
  /** Physical address of a 4 KiB page, or a negative number when there is none. */
  allocTablePage(): number;
  freeTablePage(phys: number): void;
  /**
   * Physical address of a larger table, a power of two of bytes aligned to its own size, or a negative number when there
   * is none. Absent where no unit has tables of more than a page.
   */
  allocTable?(lengthBytes: number): number;
  /** Gives back what {@link allocTable} gave, of the same length. */
  freeTable?(phys: number, lengthBytes: number): void;
}

/** A table of any size, contents undefined; or a negative number. */
export function takeTable(pages: TablePages, lengthBytes: number): number {
  return lengthBytes === 4096 ? pages.allocTablePage() : (pages.allocTable?.(lengthBytes) ?? -1);
}

export function giveTable(pages: TablePages, phys: number, lengthBytes: number): void {
  if (lengthBytes === 4096) pages.freeTablePage(phys);
  else pages.freeTable?.(phys, lengthBytes);
}

/** Zeroes a new table before anything points at it (spec H5). */
export function zeroTable(memory: WritableTables, phys: number, lengthBytes = 4096): void {
  for (let at = phys; at < phys + lengthBytes; at += 8) memory.store64(at, 0, 0);
}
