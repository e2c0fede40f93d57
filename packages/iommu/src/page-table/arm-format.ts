import { highMask, lowMask } from '../spec/bits.ts';
import { DescriptorType, Stage1Descriptor } from '../spec/smmuv3-paging.ts';
import type { PageTableFormat } from './page-table-format.ts';

const VALID = 1;
const TABLE_OR_PAGE = DescriptorType.TABLE_OR_PAGE;
const ACCESSED = lowMask(Stage1Descriptor.AF);
const INNER_SHAREABLE = 3 << Stage1Descriptor.SH.lo;
const OUTER_SHAREABLE = 2 << Stage1Descriptor.SH.lo;
const ADDRESS_HIGH = highMask(Stage1Descriptor.ADDR);
/** Widest physical address that these tables hold: more takes 64 KiB pages, and moves bits (spec H64). */
const OUTPUT_BITS = 48;

/** Leaf sizes of a granule: a page, and blocks of the levels that may hold them (spec H64). */
export function armPageSizes(granuleShift: number): number {
  if (granuleShift === 12) return 2 ** 12 + 2 ** 21 + 2 ** 30;
  return granuleShift === 14 ? 2 ** 14 + 2 ** 25 : 2 ** 16 + 2 ** 29;
}

/**
 * VMSAv8-64 tables as Linux writes them (spec H63, H64), by granule. Level 1 here is the architecture's level 3, and so on
 * up. `IOMMU_NOEXEC` leaves no trace: nothing that a driver here serves fetches instructions.
 */
export abstract class ArmFormat implements PageTableFormat {
  abstract readonly name: string;
  readonly levels: number;
  readonly mostLevels: number;
  readonly granuleShift: number;
  readonly rootIndexBits: number;
  readonly pageSizes: number;
  readonly apertureEnd: number;
  readonly presentMask = VALID;
  readonly plainLeaves: boolean;
  readonly #ignoredLow: number;

  /**
   * @param granuleShift 12, 14 or 16
   * @param inputBits width of the addresses that are translated
   * @param levels of tables; the root has as many entries as it takes
   * @param superpages false: pages alone
   */
  constructor(granuleShift: number, inputBits: number, levels: number, superpages: boolean) {
    this.granuleShift = granuleShift;
    this.levels = levels;
    this.mostLevels = levels;
    this.rootIndexBits = inputBits - granuleShift - (levels - 1) * (granuleShift - 3);
    this.pageSizes = superpages ? armPageSizes(granuleShift) : 2 ** granuleShift;
    this.apertureEnd = 2 ** inputBits - 1;
    this.plainLeaves = granuleShift === 12;
    this.#ignoredLow = 2 ** granuleShift - 1;
  }

  abstract rights(low: number, high: number, level: number): number;
  /** What a leaf says of access and memory type for a combination of `IOMMU_*`. */
  protected abstract attributes(prot: number): number;

  nextLevel(low: number, level: number): number {
    return this.isTable(low, level) ? level - 1 : 0;
  }

  leafBytes(_low: number, _high: number, level: number): number {
    return 2 ** (this.granuleShift + (level - 1) * (this.granuleShift - 3));
  }

  /** Address bits below a page's size are ignored (spec H3). */
  isAligned(): boolean {
    return true;
  }

  address(low: number, high: number, sizeBytes: number): number {
    return (high & ADDRESS_HIGH) * 2 ** 32 + ((low & ~this.#ignoredLow & -sizeBytes) >>> 0);
  }

  tableLow(phys: number): number {
    return phys | TABLE_OR_PAGE;
  }

  tableHigh(phys: number): number {
    return Math.floor(phys * 2 ** -32);
  }

  leafLow(phys: number, _sizeBytes: number, prot: number, level: number): number {
    const type = level === 1 ? TABLE_OR_PAGE : DescriptorType.BLOCK;
    return phys | type | ACCESSED | this.attributes(prot);
  }

  leafHigh(phys: number): number {
    return Math.floor(phys * 2 ** -32);
  }

  protected isTable(low: number, level: number): boolean {
    return level > 1 && (low & 3) === TABLE_OR_PAGE;
  }
}

/** Shareability: snooped memory is shared with the inner domain, everything else with the outer. */
export function shareability(isCached: boolean): number {
  return isCached ? INNER_SHAREABLE : OUTER_SHAREABLE;
}

/** Levels of stage 1 for an input width (spec H63). */
export function armStage1Levels(granuleShift: number, inputBits: number): number {
  return Math.ceil((inputBits - granuleShift) / (granuleShift - 3));
}

/** Levels of stage 2: up to 16 top tables side by side save the one that would point at them (spec H65). */
export function armStage2Levels(granuleShift: number, inputBits: number): number {
  const levels = armStage1Levels(granuleShift, inputBits);
  const topBits = inputBits - granuleShift - (levels - 1) * (granuleShift - 3);
  return levels === 4 && topBits <= 4 ? levels - 1 : levels;
}

/** Width of the physical addresses that these tables hold, of those that the unit has. */
export function armOutputBits(outputBits: number): number {
  return Math.min(outputBits, OUTPUT_BITS);
}
