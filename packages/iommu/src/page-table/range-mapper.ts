import { EADDRINUSE, ENOMEM } from './errno.ts';
import type { LeafTables } from './leaf-tables.ts';
import { largestPageShift } from './page-size.ts';
import type { ReplacedTables } from './replaced-tables.ts';
import type { TableTree } from './table-tree.ts';

/** Maps ranges a page at a time, each as large as fits (spec I151), making tables on the way. */
export class RangeMapper {
  /** Bytes that the latest {@link map} put into the table, also when it failed (spec I154). */
  mappedBytes = 0;
  /** The level 1 table that the latest call wrote to last; 0 when it wrote to none. */
  leafTable = 0;
  readonly #tree: TableTree;
  readonly #replaced: ReplacedTables;
  readonly #leafTables: LeafTables;

  constructor(tree: TableTree, replaced: ReplacedTables, leafTables: LeafTables) {
    this.#tree = tree;
    this.#replaced = replaced;
    this.#leafTables = leafTables;
  }

  /** 0, or a negative errno (spec I153). The range lies inside the aperture, and every address on a page boundary. */
  map(iova: number, phys: number, lengthBytes: number, prot: number): number {
    this.mappedBytes = 0;
    this.leafTable = 0;
    if (!this.#tree.growTo(iova + lengthBytes - 1)) return ENOMEM;
    const reach = this.#tree.spans[this.#tree.levels + 1];
    // A page as large as all that the tables translate would have to stand above the root.
    const sizes = this.#tree.format.pageSizes % reach;
    while (this.mappedBytes < lengthBytes) {
      const error = this.#mapRun(sizes, iova, phys, lengthBytes, prot);
      if (error !== 0) return error;
    }
    return 0;
  }

  /** One descent serves the run of equal pages that a table holds; a larger one may start only past its end. */
  #mapRun(sizes: number, iova: number, phys: number, lengthBytes: number, prot: number): number {
    const tree = this.#tree;
    const start = iova + this.mappedBytes;
    const shift = largestPageShift(sizes, start, phys + this.mappedBytes, lengthBytes - this.mappedBytes);
    const level = this.#levelOf(shift);
    const table = this.#tableAt(start, level);
    if (table < 0) return table;
    if (level === 1) this.leafTable = table;
    const sizeBytes = 2 ** shift;
    const groupBytes = (sizeBytes / tree.spans[level]) * 8;
    const end = tree.endOf(table, level);
    let at = tree.entryAt(table, level, start);
    for (;;) {
      const done = this.mappedBytes;
      const error = this.#writePage(table, at, iova + done, phys + done, shift, level, prot);
      if (error !== 0) return error;
      this.mappedBytes = done + sizeBytes;
      at += groupBytes;
      const left = lengthBytes - this.mappedBytes;
      if (at >= end || left < sizeBytes) return 0;
      if (largestPageShift(sizes, iova + this.mappedBytes, phys + this.mappedBytes, left) !== shift) return 0;
    }
  }

  /** Writes all entries of one page, once all of them are free. */
  #writePage(
    table: number,
    at: number,
    iova: number,
    phys: number,
    shift: number,
    level: number,
    prot: number,
  ): number {
    const { memory, format, spans } = this.#tree;
    const sizeBytes = 2 ** shift;
    const span = spans[level];
    for (let offset = 0; offset < sizeBytes; offset += span) {
      const error = this.#vacate(at + (offset / span) * 8, level, iova + offset);
      if (error !== 0) return error;
    }
    for (let offset = 0; offset < sizeBytes; offset += span) {
      const low = format.leafLow(phys + offset, sizeBytes, prot, level);
      memory.store64(at + (offset / span) * 8, low, format.leafHigh(phys + offset, sizeBytes, prot, level));
    }
    if (level === 1 && sizeBytes > span) {
      this.#tree.countGrouped(table, sizeBytes / span);
      this.#leafTables.forgetTable(iova / 4096);
    }
    return 0;
  }

  /** Makes sure that nothing stands where an entry goes: 0, or -EADDRINUSE (spec I153, I155). */
  #vacate(at: number, level: number, iova: number): number {
    const { memory, format } = this.#tree;
    const low = memory.load32(at);
    if ((low & format.presentMask) === 0) return 0;
    if (format.nextLevel(low, level) === 0) return EADDRINUSE;
    if (!this.#replaced.collect(this.#tree.child(at, low), level - 1, iova)) return EADDRINUSE;
    // Unlinked now: the table goes back to its owner even if the page's other entries turn out to be taken.
    memory.store64(at, 0, 0);
    this.#leafTables.forget();
    return 0;
  }

  /** Table of that level on the way to an address, made where it is missing; or a negative errno. */
  #tableAt(iova: number, wanted: number): number {
    const tree = this.#tree;
    let table = tree.root;
    for (let level = tree.levels; level > wanted; level--) {
      const at = tree.entryAt(table, level, iova);
      const low = tree.memory.load32(at);
      if ((low & tree.format.presentMask) === 0) {
        table = tree.allocTable();
        if (table < 0) return ENOMEM;
        tree.writePointer(at, table, level);
      } else {
        if (tree.format.nextLevel(low, level) === 0) return EADDRINUSE;
        table = tree.child(at, low);
      }
    }
    return table;
  }

  /** Level whose entries make up a page of that size. */
  #levelOf(shift: number): number {
    const { granuleShift } = this.#tree.format;
    return Math.floor((shift - granuleShift) / (granuleShift - 3)) + 1;
  }
}
