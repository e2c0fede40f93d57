import { IotlbGather } from '../core/iotlb-gather.ts';
import { levelShift } from '../spec/vtd-paging.ts';
import type { PageTableFormat } from './page-table-format.ts';
import type { TableMemory } from './table-memory.ts';

/**
 * Empty tables whose place a large page took: they may still sit in a paging-structure cache, so the owner of the page
 * table invalidates their range, frees them and calls {@link reset} before its map call returns (spec I155).
 */
export class ReplacedTables {
  readonly gather = new IotlbGather();
  readonly #memory: TableMemory;
  readonly #format: PageTableFormat;

  constructor(memory: TableMemory, format: PageTableFormat) {
    this.#memory = memory;
    this.#format = format;
  }

  get count(): number {
    return this.gather.tablePageCount;
  }

  reset(): void {
    this.gather.reset(false);
  }

  /** Collects the tree below a table entry of `iova`, unless a leaf lives in it: then false. */
  collect(table: number, level: number, iova: number): boolean {
    if (!this.#isEmpty(table, level)) return false;
    const spanBytes = 2 ** levelShift(level + 1);
    this.gather.addRange(iova, iova + spanBytes - 1);
    this.#add(table, level);
    return true;
  }

  #isEmpty(table: number, level: number): boolean {
    for (let at = table; at < table + 4096; at += 8) {
      const low = this.#memory.load32(at);
      if ((low & this.#format.presentMask) === 0) continue;
      if (level === 1 || this.#format.isLargeLeaf(low) || !this.#isEmpty(this.#child(at, low), level - 1)) return false;
    }
    return true;
  }

  #add(table: number, level: number): void {
    for (let at = table; level > 1 && at < table + 4096; at += 8) {
      const low = this.#memory.load32(at);
      if ((low & this.#format.presentMask) !== 0) this.#add(this.#child(at, low), level - 1);
    }
    this.gather.addTablePage(table);
  }

  #child(at: number, low: number): number {
    return this.#format.address(low, this.#memory.load32(at + 4), 4096);
  }
}
