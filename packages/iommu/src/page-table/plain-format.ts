import { levelShift } from '../spec/vtd-paging.ts';
import type { PageTableFormat } from './page-table-format.ts';

/**
 * What x86 formats share: 4 KiB tables of a fixed depth, one entry a page, a bit that marks large pages, addresses in
 * place in bits 51 to 12, and everything else about an entry in its low half.
 */
export abstract class PlainFormat implements PageTableFormat {
  abstract readonly name: string;
  abstract readonly presentMask: number;
  abstract readonly apertureEnd: number;
  readonly levels: number;
  readonly mostLevels: number;
  readonly granuleShift = 12;
  readonly rootIndexBits = 9;
  readonly pageSizes: number;
  readonly plainLeaves = true;
  /** Marks a page above level 1. */
  protected abstract readonly largeMask: number;
  /** Low half of a pointer to a table, address aside. */
  protected abstract readonly tableFlags: number;

  constructor(levels: number, pageSizes: number) {
    this.levels = levels;
    this.mostLevels = levels;
    this.pageSizes = pageSizes;
  }

  abstract isAligned(low: number, sizeBytes: number): boolean;
  abstract rights(low: number): number;
  /** Low half of a leaf, address aside. */
  protected abstract leafFlags(prot: number, level: number): number;

  nextLevel(low: number, level: number): number {
    return level > 1 && (low & this.largeMask) === 0 ? level - 1 : 0;
  }

  leafBytes(_low: number, _high: number, level: number): number {
    return 2 ** levelShift(level);
  }

  address(low: number, high: number, sizeBytes: number): number {
    return (high & 0xf_ffff) * 2 ** 32 + ((low & 0xffff_f000 & -sizeBytes) >>> 0);
  }

  tableLow(phys: number): number {
    return phys | this.tableFlags;
  }

  tableHigh(phys: number): number {
    return Math.floor(phys * 2 ** -32);
  }

  leafLow(phys: number, _sizeBytes: number, prot: number, level: number): number {
    return phys | this.leafFlags(prot, level);
  }

  leafHigh(phys: number): number {
    return Math.floor(phys * 2 ** -32);
  }
}
