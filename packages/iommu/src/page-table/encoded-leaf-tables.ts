import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { LeafTables } from './leaf-tables.ts';
import type { PageTableFormat } from './page-table-format.ts';
import type { TableMemory } from './table-memory.ts';

const RIGHTS = IOMMU_READ | IOMMU_WRITE;
/** Sums of `IOMMU_*`: six bits. */
const PROTECTIONS = 64;
const LAST_PAGE = 511;
const PFN_LIMIT = 2 ** 40;
const PAGE_BYTES = 4096;

/** Leaf tables of formats that say something in an entry's high half, or whose page numbers stand elsewhere than in place. */
export class EncodedLeafTables extends LeafTables {
  readonly #presentMask: number = 0;
  /** Bit at which an entry holds its page number. */
  readonly #shift: number = 0;
  /** What a page number is multiplied with to give its part of the high half. */
  readonly #toHigh: number = 0.5;
  /** The page number's bits in the high half, and what the lowest of them stands for. */
  readonly #highMask: number = 0;
  readonly #highUnit: number = 0;
  /** Halves of a leaf by protection, page number aside. */
  readonly #lows: readonly number[];
  readonly #highs: readonly number[];

  constructor(memory: TableMemory, format: PageTableFormat, shift: number) {
    super(memory, format.presentMask, []);
    this.#presentMask = format.presentMask;
    this.#shift = shift;
    this.#toHigh = 2 ** (shift - 32);
    this.#highUnit = 2 ** (32 - shift);
    this.#highMask = PFN_LIMIT / this.#highUnit - 1;
    const halves = (leaf: (prot: number) => number) =>
      Array.from({ length: PROTECTIONS }, (_, prot) => ((prot & RIGHTS) === 0 ? 0 : leaf(prot) | 0));
    this.#lows = halves((prot) => format.leafLow(0, PAGE_BYTES, prot, 1));
    this.#highs = halves((prot) => format.leafHigh(0, PAGE_BYTES, prot, 1));
  }

  override write(iovaPfn: number, physPfn: number, prot: number): boolean {
    const table = this.find(iovaPfn);
    if (table === null || (prot & RIGHTS) === 0 || !(physPfn >= 0 && physPfn < PFN_LIMIT)) return false;
    const { words } = table;
    const at = table.base + ((iovaPfn & LAST_PAGE) << 1);
    if ((words[at] & this.#presentMask) !== 0) return false;
    words[at + 1] = (physPfn * this.#toHigh) | this.#highs[prot & (PROTECTIONS - 1)];
    words[at] = (physPfn << this.#shift) | this.#lows[prot & (PROTECTIONS - 1)];
    return true;
  }

  override take(iovaPfn: number): number {
    const table = this.find(iovaPfn);
    if (table === null) return -1;
    const { words } = table;
    const at = table.base + ((iovaPfn & LAST_PAGE) << 1);
    const low = words[at];
    const physPfn = (words[at + 1] & this.#highMask) * this.#highUnit + (low >>> this.#shift);
    if ((low & this.#presentMask) === 0 || physPfn <= 0) return -1;
    words[at] = 0;
    words[at + 1] = 0;
    return physPfn;
  }
}
