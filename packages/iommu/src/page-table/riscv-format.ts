import { IOMMU_MMIO, IOMMU_NOEXEC, IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { highHalf, lowMask } from '../spec/bits.ts';
import { RISCV_NAPOT_64K, RISCV_SECOND_STAGE_ROOT_BITS, RiscvPte } from '../spec/riscv-paging.ts';
import { PAGING_INDEX_BITS } from '../spec/vtd-paging.ts';
import type { PageTableFormat } from './page-table-format.ts';

const VALID = lowMask(RiscvPte.V);
const READ = lowMask(RiscvPte.R);
const WRITE = lowMask(RiscvPte.W);
const EXECUTE = lowMask(RiscvPte.X);
const USER = lowMask(RiscvPte.U);
const ACCESSED = lowMask(RiscvPte.A);
const DIRTY = lowMask(RiscvPte.D);
const MARKS = ACCESSED | DIRTY;
const LEAF = READ | WRITE | EXECUTE;
/** What a page has that a device may read: devices' requests are those of users (spec H97). */
const READABLE = READ | USER | ACCESSED;
const RIGHTS = IOMMU_READ | IOMMU_WRITE;
const PPN_SHIFT = RiscvPte.PPN.lo;
/** Bits of the page number in the high half, and what one of them stands for. */
const PPN_HIGH = 0x3f_ffff;
const PPN_HIGH_UNIT = 2 ** (32 - PPN_SHIFT);
const NAPOT_HIGH = highHalf(RiscvPte.N, 1);
const IO_HIGH = highHalf(RiscvPte.PBMT, 2);
const NAPOT_BYTES = 2 ** 16;

/** Which of a unit's stages the tables are for: they differ in the root and in how addresses are extended (spec H96). */
export type RiscvStage = 'first' | 'second';

/** What a unit's tables can be like, beyond their depth. */
export interface RiscvFormatOptions {
  readonly largestPageShift?: number;
  readonly memoryTypes?: boolean;
  readonly setsMarks?: boolean;
}

/**
 * RISC-V tables, Sv39 to Sv57, as Linux writes them (spec H96, H97): pointers are V alone, leaves have U, A and, where
 * they may be written, D preset. There is no write-only page: a writable one is readable.
 */
export class RiscvFormat implements PageTableFormat {
  readonly name: string;
  readonly levels: number;
  readonly mostLevels: number;
  readonly granuleShift = 12;
  readonly rootIndexBits: number;
  readonly pageSizes: number;
  readonly apertureEnd: number;
  readonly presentMask = VALID;
  readonly plainLeaves = false; // the address isn't in place
  readonly pagePfnShift = PPN_SHIFT;
  readonly #memoryTypes: boolean;
  /** A and D that an entry can do without: hardware sets them. */
  readonly #impliedMarks: number;

  /**
   * @param levels 3 to 5
   * @param options.largestPageShift log2 of the largest page's bytes. Default 39: Linux makes no larger one (spec I152)
   * @param options.memoryTypes entries can say that a page is I/O (Svpbmt)
   * @param options.setsMarks hardware sets A and D (spec H97); else a page without them isn't used
   */
  constructor(
    levels: number,
    stage: RiscvStage,
    { largestPageShift = 39, memoryTypes = false, setsMarks = false }: RiscvFormatOptions = {},
  ) {
    const isSecond = stage === 'second';
    this.name = `riscv-sv${12 + PAGING_INDEX_BITS * levels}${isSecond ? 'x4' : ''}`;
    this.levels = levels;
    this.mostLevels = levels;
    this.rootIndexBits = isSecond ? RISCV_SECOND_STAGE_ROOT_BITS : PAGING_INDEX_BITS;
    this.pageSizes = sizesUpTo(levels, largestPageShift);
    // The first stage takes sign-extended addresses, of which the upper half has no place in 52 bits.
    this.apertureEnd = 2 ** Math.min(12 + PAGING_INDEX_BITS * levels + (isSecond ? 2 : -1), 52) - 1;
    this.#memoryTypes = memoryTypes;
    this.#impliedMarks = setsMarks ? MARKS : 0;
  }

  nextLevel(low: number, level: number): number {
    return (low & LEAF) === 0 ? level - 1 : 0;
  }

  /** N stands for 64 KiB of 4 KiB entries; in larger ones for no size that there is. */
  leafBytes(_low: number, high: number, level: number): number {
    if ((high & NAPOT_HIGH) !== 0) return level === 1 ? NAPOT_BYTES : Number.POSITIVE_INFINITY;
    return 2 ** (12 + PAGING_INDEX_BITS * (level - 1));
  }

  /** The page number of 64 KiB ends in a code for its size; those of others end in zeros, 22 bits of which are here. */
  isAligned(low: number, sizeBytes: number): boolean {
    const below = (low >>> PPN_SHIFT) & (sizeBytes / 4096 - 1);
    return below === (sizeBytes === NAPOT_BYTES ? RISCV_NAPOT_64K : 0);
  }

  address(low: number, high: number, sizeBytes: number): number {
    const page = ((high & PPN_HIGH) * PPN_HIGH_UNIT + (low >>> PPN_SHIFT)) * 4096;
    return sizeBytes === 4096 ? page : page - (page % sizeBytes);
  }

  /** A pointer below level 2 is no entry. */
  rights(low: number, _high: number, level: number): number {
    if ((low & LEAF) === 0) return level > 1 ? RIGHTS : 0;
    const entry = low | this.#impliedMarks;
    if ((entry & READABLE) !== READABLE) return 0;
    return (entry & (WRITE | DIRTY)) === (WRITE | DIRTY) ? RIGHTS : IOMMU_READ;
  }

  tableLow(phys: number): number {
    return entryLow(phys, VALID);
  }

  tableHigh(phys: number): number {
    return entryHigh(phys);
  }

  leafLow(phys: number, sizeBytes: number, prot: number): number {
    const execute = (prot & IOMMU_NOEXEC) === 0 ? EXECUTE : 0;
    const write = (prot & IOMMU_WRITE) !== 0 ? WRITE | DIRTY : 0;
    const flags = VALID | READ | USER | ACCESSED | execute | write;
    if (sizeBytes !== NAPOT_BYTES) return entryLow(phys, flags);
    return entryLow(phys - (phys % NAPOT_BYTES) + RISCV_NAPOT_64K * 4096, flags);
  }

  leafHigh(phys: number, sizeBytes: number, prot: number): number {
    const io = this.#memoryTypes && (prot & IOMMU_MMIO) !== 0 ? IO_HIGH : 0;
    return entryHigh(phys) | io | (sizeBytes === NAPOT_BYTES ? NAPOT_HIGH : 0);
  }
}

/** The spans of all levels, and 64 KiB. */
function sizesUpTo(levels: number, largestPageShift: number): number {
  const spans = Array.from({ length: levels }, (_, below) => 12 + PAGING_INDEX_BITS * below);
  return [16, ...spans].filter((shift) => shift <= largestPageShift).reduce((sum, shift) => sum + 2 ** shift, 0);
}

/** Addresses stand two bits lower in an entry than they are. */
function entryLow(phys: number, flags: number): number {
  return ((phys / 4) & -1024) | flags;
}

function entryHigh(phys: number): number {
  return Math.floor(phys * 2 ** -34);
}
