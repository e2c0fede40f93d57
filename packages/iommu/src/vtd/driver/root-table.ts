import { TablePagesExhaustedError } from '../../core/unit/table-pages-exhausted-error.ts';
import { type TablePages, type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { getAddress, highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import { RootEntry } from '../../spec/vtd-tables.ts';

const P = lowMask(RootEntry.P);

/**
 * A root table and the context tables that hang on it, made when they are first needed. A scalable root entry is two of
 * what a legacy one has once: a present bit and a context table (spec H16, H20).
 */
export class RootTable {
  readonly phys: number;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;

  /** @throws {TablePagesExhaustedError} without a page for it */
  constructor(memory: WritableTables, pages: TablePages) {
    this.#memory = memory;
    this.#pages = pages;
    this.phys = this.#newTable();
  }

  /**
   * The context table behind the pointer at that offset of the root table.
   * @throws {TablePagesExhaustedError} when there is none yet and no page for one
   */
  contextTable(offset: number): number {
    const at = this.phys + offset;
    const low = this.#memory.load32(at);
    if ((low & P) !== 0) return getAddress(low, this.#memory.load32(at + 4), RootEntry.CTP);
    const table = this.#newTable();
    // The half with P last: hardware that sees it reads the other half too.
    this.#memory.store32(at + 4, highHalf(RootEntry.CTP, table / 4096));
    this.#memory.store32(at, (lowHalf(RootEntry.CTP, table / 4096) | P) >>> 0);
    return table;
  }

  #newTable(): number {
    const table = this.#pages.allocTablePage();
    if (table < 0) throw new TablePagesExhaustedError('a root or context table');
    zeroTable(this.#memory, table);
    return table;
  }
}
