import { IotlbGather } from '../core/iotlb-gather.ts';
import type { TableTree } from './table-tree.ts';

/**
 * Empty tables whose place a large page took: they may still sit in a paging-structure cache, so the owner of the page
 * table invalidates their range, frees them and calls {@link reset} before its map call returns (spec I155).
 */
export class ReplacedTables {
  readonly gather = new IotlbGather();
  readonly #tree: TableTree;

  constructor(tree: TableTree) {
    this.#tree = tree;
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
    this.gather.addRange(iova, iova + this.#tree.spans[level + 1] - 1);
    this.#add(table, level);
    return true;
  }

  #isEmpty(table: number, level: number): boolean {
    const { memory, format, tableBytes } = this.#tree;
    for (let at = table; at < table + tableBytes; at += 8) {
      const low = memory.load32(at);
      if ((low & format.presentMask) === 0) continue;
      if (format.nextLevel(low, level) === 0 || !this.#isEmpty(this.#tree.child(at, low), level - 1)) return false;
    }
    return true;
  }

  #add(table: number, level: number): void {
    const { memory, format, tableBytes } = this.#tree;
    for (let at = table; level > 1 && at < table + tableBytes; at += 8) {
      const low = memory.load32(at);
      if ((low & format.presentMask) !== 0) this.#add(this.#tree.child(at, low), level - 1);
    }
    this.gather.addTablePage(table);
  }
}
