import type { IotlbGather } from '../core/iotlb-gather.ts';
import { spanShift } from './page-table-format.ts';
import type { TableTree } from './table-tree.ts';

/** Clears ranges of a page table (spec I156): whole leaves, up to the first hole. */
export class Unmapper {
  readonly #tree: TableTree;
  /** Every level 1 entry is a 4 KiB page of its own. */
  readonly #singlePages: boolean;
  /** First address not yet cleared. */
  #next = 0;
  /** One past the request's last address. */
  #end = 0;

  constructor(tree: TableTree) {
    const { format } = tree;
    this.#tree = tree;
    this.#singlePages = format.granuleShift === 12 && format.pageSizes % 2 ** spanShift(format, 2) === 4096;
  }

  /** Bytes cleared from `iova` on. */
  unmap(iova: number, lengthBytes: number, gather: IotlbGather): number {
    this.#next = iova;
    this.#end = iova + lengthBytes;
    this.#clear(this.#tree.root, this.#tree.levels, gather);
    return this.#next - iova;
  }

  /** Clears what the table holds of the request; false when a hole or the middle of a large page stopped it. */
  #clear(table: number, level: number, gather: IotlbGather): boolean {
    if (level === 1 && this.#singlePages) return this.#clearPages(table);
    const { memory, format, spans } = this.#tree;
    const spanBytes = spans[level];
    const end = this.#tree.endOf(table, level);
    let at = this.#tree.entryAt(table, level, this.#next);
    while (at < end && this.#next < this.#end) {
      const low = memory.load32(at);
      if ((low & format.presentMask) === 0) return false;
      if (format.nextLevel(low, level) === 0) {
        const leafBytes = this.#tree.leafBytes(at, low, level);
        if (this.#next % leafBytes !== 0) return false;
        this.#clearLeaf(table, at, level, leafBytes / spanBytes);
        this.#next += leafBytes;
        at += (leafBytes / spanBytes) * 8;
        continue;
      }
      const whole = this.#next % spanBytes === 0 && this.#end - this.#next >= spanBytes;
      const child = this.#tree.child(at, low);
      if (!this.#clear(child, level - 1, gather)) return false;
      if (whole) {
        gather.addTablePage(child);
        memory.store64(at, 0, 0);
      }
      at += 8;
    }
    return true;
  }

  #clearLeaf(table: number, at: number, level: number, entries: number): void {
    const { memory } = this.#tree;
    for (let entry = 0; entry < entries; entry++) memory.store64(at + entry * 8, 0, 0);
    if (level === 1 && entries > 1) this.#tree.countGrouped(table, -entries);
  }

  /** Level 1 by itself, with masks for remainders: `%` on doubles is a call, and this loop is what a long unmap does. */
  #clearPages(table: number): boolean {
    const { memory } = this.#tree;
    const { presentMask } = this.#tree.format;
    let next = this.#next;
    let at = table + ((next >>> 9) & 0xff8);
    const isAligned = (next & 0xfff) === 0;
    for (; isAligned && at < table + 4096 && next < this.#end; at += 8) {
      if ((memory.load32(at) & presentMask) === 0) break;
      memory.store64(at, 0, 0);
      next += 4096;
    }
    this.#next = next;
    return at === table + 4096 || next >= this.#end;
  }
}
