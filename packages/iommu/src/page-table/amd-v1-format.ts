import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { AMD_MOST_LEVELS, AmdNextLevel, AmdPageEntry } from '../spec/amd-paging.ts';
import { highMask, lowMask } from '../spec/bits.ts';
import { levelShift } from '../spec/vtd-paging.ts';
import type { PageTableFormat } from './page-table-format.ts';

const PRESENT = lowMask(AmdPageEntry.PR);
const NEXT_LEVEL = lowMask(AmdPageEntry.NL);
const NEXT_LEVEL_SHIFT = AmdPageEntry.NL.lo;
const SIZED = AmdNextLevel.SIZED_PAGE << NEXT_LEVEL_SHIFT;
const ADDRESS_LOW = lowMask(AmdPageEntry.ADDR);
const ADDRESS_HIGH = highMask(AmdPageEntry.ADDR);
const READ_HIGH = highMask(AmdPageEntry.IR);
const WRITE_HIGH = highMask(AmdPageEntry.IW);
const HIGH = 2 ** 32;

/** Every power of two from 4 KiB to 2^51 but 512 GiB, which Linux avoids for an erratum (spec H37, I152). */
export const AMD_PAGE_SIZES = 2 ** 52 - 2 ** 12 - 2 ** 39;

/** AMD host tables, version 1, as Linux writes them (spec H35 to H37): the root grows, and any power of two is a page. */
export class AmdV1Format implements PageTableFormat {
  readonly name = 'amd-v1';
  readonly levels: number;
  readonly mostLevels: number;
  readonly granuleShift = 12;
  readonly rootIndexBits = 9;
  readonly pageSizes: number;
  readonly apertureEnd: number;
  readonly presentMask = PRESENT;
  readonly plainLeaves = false; // rights are in the high half
  readonly pagePfnShift = 12;

  /**
   * @param levels of the root at first, 1 to `mostLevels`
   * @param mostLevels what the unit walks (EFR.HATS), at most 6
   */
  constructor(levels: number, mostLevels: number = AMD_MOST_LEVELS, pageSizes: number = AMD_PAGE_SIZES) {
    this.levels = levels;
    this.mostLevels = mostLevels;
    this.pageSizes = pageSizes;
    this.apertureEnd = 2 ** Math.min(levelShift(mostLevels + 1), 52) - 1;
  }

  nextLevel(low: number): number {
    const next = (low & NEXT_LEVEL) >>> NEXT_LEVEL_SHIFT;
    return next === AmdNextLevel.SIZED_PAGE ? 0 : next;
  }

  leafBytes(low: number, high: number, level: number): number {
    return (low & NEXT_LEVEL) === SIZED ? sizedPageBytes(low, high) : 2 ** levelShift(level);
  }

  /** Bits below a page's size are its size code, or ignored (spec H3). */
  isAligned(): boolean {
    return true;
  }

  address(low: number, high: number, sizeBytes: number): number {
    const above = (high & ADDRESS_HIGH) * HIGH;
    return sizeBytes >= HIGH ? above - (above % sizeBytes) : above + ((low & ADDRESS_LOW & -sizeBytes) >>> 0);
  }

  rights(_low: number, high: number): number {
    return ((high & READ_HIGH) !== 0 ? IOMMU_READ : 0) | ((high & WRITE_HIGH) !== 0 ? IOMMU_WRITE : 0);
  }

  tableLow(phys: number, level: number): number {
    return phys | PRESENT | ((level - 1) << NEXT_LEVEL_SHIFT);
  }

  tableHigh(phys: number): number {
    return Math.floor(phys / HIGH) | READ_HIGH | WRITE_HIGH;
  }

  leafLow(phys: number, sizeBytes: number, _prot: number, level: number): number {
    const page = phys - (phys % sizeBytes);
    return sizeBytes === 2 ** levelShift(level) ? page | PRESENT : page | sizeCode(sizeBytes) | PRESENT | SIZED;
  }

  leafHigh(phys: number, sizeBytes: number, prot: number, level: number): number {
    const page = phys - (phys % sizeBytes);
    const code = sizeBytes === 2 ** levelShift(level) ? 0 : Math.floor(sizeCode(sizeBytes) / HIGH);
    const rights = ((prot & IOMMU_READ) !== 0 ? READ_HIGH : 0) | ((prot & IOMMU_WRITE) !== 0 ? WRITE_HIGH : 0);
    return Math.floor(page / HIGH) | code | rights;
  }
}

/** Address bits that give a page's size: ones from bit 12 up to two below the size's bit (spec H37). */
function sizeCode(sizeBytes: number): number {
  return sizeBytes / 2 - 4096;
}

/** Size of an NL = 7 page, by the lowest zero of its address bits (spec H37). */
export function sizedPageBytes(low: number, high: number): number {
  const zerosLow = ~low & ADDRESS_LOW;
  if (zerosLow !== 0) return ((zerosLow & -zerosLow) >>> 0) * 2;
  const zerosHigh = ~high & ADDRESS_HIGH;
  return zerosHigh === 0 ? 2 ** 53 : (zerosHigh & -zerosHigh) * 2 * HIGH;
}
