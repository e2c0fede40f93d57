import { type PageTableFormat, spanShift } from './page-table-format.ts';
import { giveTable, type TablePages, takeTable, type WritableTables, zeroTable } from './table-memory.ts';

/** The tables of one page table as its parts work on them: where the root is, how large tables are, which entry is whose. */
export class TableTree {
  readonly memory: WritableTables;
  readonly format: PageTableFormat;
  /** Bytes of every table but the root. */
  readonly tableBytes: number;
  /** Bytes that an entry covers, by level. */
  readonly spans: Float64Array;
  root: number;
  /** Level of the root. */
  levels: number;
  readonly #pages: TablePages;
  readonly #rootBytes: number;
  readonly #entries: number;
  /** Entries that are part of a page of several, by level 1 table: such pages don't go one entry at a time. */
  readonly #groupedEntries = new Map<number, number>();

  /** @param root table of {@link rootTableBytes} bytes, which is zeroed here */
  constructor(memory: WritableTables, format: PageTableFormat, pages: TablePages, root: number) {
    this.memory = memory;
    this.format = format;
    this.root = root;
    this.levels = format.levels;
    this.tableBytes = 2 ** format.granuleShift;
    this.spans = Float64Array.from({ length: format.mostLevels + 2 }, (_, level) => 2 ** spanShift(format, level));
    this.#pages = pages;
    this.#entries = this.tableBytes / 8;
    this.#rootBytes = rootTableBytes(format);
    zeroTable(memory, root, this.#rootBytes);
  }

  /** Address of the entry for an address that the tables translate, in its table of that level. */
  entryAt(table: number, level: number, iova: number): number {
    const index = Math.floor(iova / this.spans[level]);
    return table + (level === this.levels ? index : index % this.#entries) * 8;
  }

  /** The table that an entry points at. */
  child(at: number, low: number): number {
    return this.format.address(low, this.memory.load32(at + 4), this.tableBytes);
  }

  /** First address past what a table holds of its entries. */
  endOf(table: number, level: number): number {
    return table + (level === this.levels ? this.#rootBytes : this.tableBytes);
  }

  /** Bytes of the page that a leaf maps. */
  leafBytes(at: number, low: number, level: number): number {
    return this.format.leafBytes(low, this.memory.load32(at + 4), level);
  }

  /** A zeroed table, or a negative number. */
  allocTable(): number {
    const table = takeTable(this.#pages, this.tableBytes);
    if (table >= 0) zeroTable(this.memory, table, this.tableBytes);
    return table;
  }

  writePointer(at: number, table: number, level: number): void {
    this.memory.store64(at, this.format.tableLow(table, level), this.format.tableHigh(table, level));
  }

  /** Puts roots on top until an address has a place: false when a table is missing for one (spec H34). */
  growTo(lastIova: number): boolean {
    while (this.levels < this.format.mostLevels && lastIova >= this.spans[this.levels + 1]) {
      const root = this.allocTable();
      if (root < 0) return false;
      this.levels++;
      this.writePointer(root, this.root, this.levels);
      this.root = root;
    }
    return true;
  }

  /** Entries of a level 1 table became, or are no more, part of pages that have several. */
  countGrouped(table: number, change: number): void {
    const count = (this.#groupedEntries.get(table) ?? 0) + change;
    if (count === 0) this.#groupedEntries.delete(table);
    else this.#groupedEntries.set(table, count);
  }

  hasGrouped(table: number): boolean {
    return this.#groupedEntries.has(table);
  }

  /** Gives every table back. */
  destroy(): void {
    this.#freeBelow(this.root, this.levels);
    giveTable(this.#pages, this.root, this.#rootBytes);
    this.#groupedEntries.clear();
  }

  #freeBelow(table: number, level: number): void {
    const end = this.endOf(table, level);
    for (let at = table; level > 1 && at < end; at += 8) {
      const low = this.memory.load32(at);
      if ((low & this.format.presentMask) === 0 || this.format.nextLevel(low, level) === 0) continue;
      const child = this.child(at, low);
      this.#freeBelow(child, level - 1);
      giveTable(this.#pages, child, this.tableBytes);
    }
  }
}

/** Bytes of a root table: a page at least, aligned to itself (spec H63, H65, H96). */
export function rootTableBytes(format: PageTableFormat): number {
  return Math.max(4096, 8 * 2 ** format.rootIndexBits);
}
