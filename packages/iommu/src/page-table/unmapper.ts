import type { IotlbGather } from '../core/iotlb-gather.ts';
import { levelShift } from '../spec/vtd-paging.ts';
import type { PageTableFormat } from './page-table-format.ts';
import type { WritableTables } from './table-memory.ts';

/** Clears ranges of a page table (spec I156): whole leaves, up to the first hole. */
export class Unmapper {
  readonly #memory: WritableTables;
  readonly #format: PageTableFormat;
  /** First address not yet cleared. */
  #next = 0;
  /** One past the request's last address. */
  #end = 0;

  constructor(memory: WritableTables, format: PageTableFormat) {
    this.#memory = memory;
    this.#format = format;
  }

  /** Bytes cleared from `iova` on. */
  unmap(root: number, iova: number, lengthBytes: number, gather: IotlbGather): number {
    this.#next = iova;
    this.#end = iova + lengthBytes;
    this.#clear(root, this.#format.levels, gather);
    return this.#next - iova;
  }

  /** Clears what the table holds of the request; false when a hole or the middle of a large page stopped it. */
  #clear(table: number, level: number, gather: IotlbGather): boolean {
    if (level === 1) return this.#clearPages(table);
    const spanBytes = 2 ** levelShift(level);
    let at = table + (Math.floor(this.#next / spanBytes) % 512) * 8;
    for (; at < table + 4096 && this.#next < this.#end; at += 8) {
      const low = this.#memory.load32(at);
      if ((low & this.#format.presentMask) === 0) return false;
      if (this.#format.isLargeLeaf(low)) {
        if (this.#next % spanBytes !== 0) return false;
        this.#next += spanBytes;
      } else {
        const whole = this.#next % spanBytes === 0 && this.#end - this.#next >= spanBytes;
        const child = this.#format.address(low, this.#memory.load32(at + 4), 4096);
        if (!this.#clear(child, level - 1, gather)) return false;
        if (!whole) continue;
        gather.addTablePage(child);
      }
      this.#memory.store64(at, 0, 0);
    }
    return true;
  }

  /** Level 1 by itself, with masks for remainders: `%` on doubles is a call, and this loop is what a long unmap does. */
  #clearPages(table: number): boolean {
    const memory = this.#memory;
    const { presentMask } = this.#format;
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
