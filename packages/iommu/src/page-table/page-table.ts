import { IotlbGather } from '../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { EncodedLeafTables } from './encoded-leaf-tables.ts';
import { EINVAL, ENXIO, EOVERFLOW, ERANGE } from './errno.ts';
import { LeafTables } from './leaf-tables.ts';
import type { PageTableFormat } from './page-table-format.ts';
import { RangeMapper } from './range-mapper.ts';
import { ReplacedTables } from './replaced-tables.ts';
import type { TablePages, WritableTables } from './table-memory.ts';
import { TableTree } from './table-tree.ts';
import { Unmapper } from './unmapper.ts';

const PAGE_BYTES = 4096;
/** A power of two: the product is exact, and costs less than a division. */
const PER_PAGE = 1 / PAGE_BYTES;
const RIGHTS = IOMMU_READ | IOMMU_WRITE;
const IOVA_LIMIT = 2 ** 64;
/** Physical addresses that a leaf has room for. */
const PHYS_LIMIT = 2 ** 52;
const PAGES_PER_TABLE = 512;
/** Sums of `IOMMU_*`: six bits. */
const PROTECTIONS = 64;

/**
 * The driver's side of a page table: maps, unmaps and looks up ranges in tables that live in simulated memory
 * (spec I150 to I159, the generic family). It writes memory and nothing else; invalidation is its owner's business.
 */
export class PageTable {
  readonly format: PageTableFormat;
  /** Bytes that the latest {@link map} put into the table, also when it failed (spec I154). */
  mappedBytes = 0;
  /** Empty tables that the latest {@link map} put a large page in the place of (spec I155). */
  readonly replaced: ReplacedTables;
  readonly #tree: TableTree;
  readonly leafTables: LeafTables;
  readonly #mapper: RangeMapper;
  readonly #unmapper: Unmapper;
  /** Stays empty: clearing one page never frees a table. */
  readonly #noTables = new IotlbGather();
  readonly #presentMask: number = 0;
  /** Addresses below the smallest page's size. */
  readonly #offsetMask: number = 0;

  /** @param root page for the root table, or as many as the format's root takes, in a row and aligned to their sum */
  constructor(memory: WritableTables, format: PageTableFormat, pages: TablePages, root: number) {
    this.format = format;
    this.#tree = new TableTree(memory, format, pages, root);
    this.replaced = new ReplacedTables(this.#tree);
    this.leafTables = leafTablesFor(memory, format);
    this.#mapper = new RangeMapper(this.#tree, this.replaced, this.leafTables);
    this.#unmapper = new Unmapper(this.#tree);
    this.#presentMask = format.presentMask;
    this.#offsetMask = 2 ** format.granuleShift - 1;
  }

  /** Physical address of the root table: another one once the root has grown. */
  get root(): number {
    return this.#tree.root;
  }

  /** Level of the root table. */
  get levels(): number {
    return this.#tree.levels;
  }

  /** 0, or a negative errno (spec I153). */
  map(iova: number, phys: number, lengthBytes: number, prot: number): number {
    if (lengthBytes === PAGE_BYTES && ((iova | phys) & (PAGE_BYTES - 1)) === 0) {
      return this.mapPage(iova * PER_PAGE, phys * PER_PAGE, prot);
    }
    return this.#mapSlowly(iova, phys, lengthBytes, prot);
  }

  /** {@link map} of one 4 KiB page by page numbers, which are small integers where addresses would be boxed. */
  mapPage(iovaPfn: number, physPfn: number, prot: number): number {
    if (!this.leafTables.write(iovaPfn, physPfn, prot)) {
      return this.#mapSlowly(iovaPfn * PAGE_BYTES, physPfn * PAGE_BYTES, PAGE_BYTES, prot);
    }
    this.mappedBytes = PAGE_BYTES;
    return 0;
  }

  #mapSlowly(iova: number, phys: number, lengthBytes: number, prot: number): number {
    this.mappedBytes = 0;
    const misfit = this.#misfit(iova, phys, lengthBytes, prot);
    if (misfit !== 0) return misfit;
    const mapper = this.#mapper;
    const result = mapper.map(iova, phys, lengthBytes, prot);
    this.mappedBytes = mapper.mappedBytes;
    if (lengthBytes === PAGE_BYTES && mapper.leafTable !== 0) this.#remember(iova, mapper.leafTable);
    return result;
  }

  /** The short ways through a leaf table serve formats and tables in which a page is one entry. */
  #remember(iova: number, leafTable: number): void {
    const { plainLeaves, pagePfnShift } = this.format;
    if ((plainLeaves || pagePfnShift !== undefined) && !this.#tree.hasGrouped(leafTable)) {
      this.leafTables.remember(iova * PER_PAGE, leafTable);
    }
  }

  /** Clears leaves from `iova` on; returns the bytes cleared (spec I156). Unlinked tables go to the gather. */
  unmap(iova: number, lengthBytes: number, gather: IotlbGather): number {
    if (((iova | lengthBytes) & (PAGE_BYTES - 1)) === 0) {
      const cleared = this.#clearRun(iova * PER_PAGE, lengthBytes * PER_PAGE);
      if (cleared >= 0) return cleared * PAGE_BYTES;
    }
    return this.#unmapSlowly(iova, lengthBytes, gather);
  }

  /** {@link unmap} of one 4 KiB page by page number. No table goes with it, so there is nothing to gather but its range. */
  unmapPage(iovaPfn: number): number {
    const cleared = this.#clearRun(iovaPfn, 1);
    return cleared >= 0 ? cleared * PAGE_BYTES : this.#unmapSlowly(iovaPfn * PAGE_BYTES, PAGE_BYTES, this.#noTables);
  }

  /**
   * Clears leaves of a known table up to the first hole; returns how many, or -1 where that is not the whole story: the
   * table isn't known, or the range is all of it or more, and takes the table along.
   */
  #clearRun(iovaPfn: number, pages: number): number {
    const table = this.leafTables.find(iovaPfn);
    const first = iovaPfn & (PAGES_PER_TABLE - 1);
    if (table === null || !(pages > 0 && pages < PAGES_PER_TABLE && first + pages <= PAGES_PER_TABLE)) return -1;
    const { words } = table;
    const presentMask = this.#presentMask;
    const start = table.base + (first << 1);
    const end = start + (pages << 1);
    let at = start;
    for (; at < end && (words[at] & presentMask) !== 0; at += 2) {
      words[at] = 0;
      words[at + 1] = 0;
    }
    return (at - start) >> 1;
  }

  #unmapSlowly(iova: number, lengthBytes: number, gather: IotlbGather): number {
    const isInside = lengthBytes > 0 && iova >= 0 && iova + lengthBytes - 1 <= this.format.apertureEnd;
    if (!isInside || iova >= this.#tree.spans[this.levels + 1]) return 0;
    const tablesBefore = gather.tablePageCount;
    const cleared = this.#unmapper.unmap(iova, lengthBytes, gather);
    if (gather.tablePageCount !== tablesBefore) this.leafTables.forget();
    return cleared;
  }

  /** Physical address of that byte, or 0 where nothing is mapped (spec I159). */
  iovaToPhys(iova: number): number {
    const pfn = Math.floor(iova * PER_PAGE);
    const table = this.leafTables.find(pfn);
    if (table === null) return this.#walk(iova);
    const { words } = table;
    const at = table.base + ((pfn & (PAGES_PER_TABLE - 1)) << 1);
    if ((words[at] & this.#presentMask) === 0) return 0;
    return this.format.address(words[at], words[at + 1], PAGE_BYTES) + (iova & (PAGE_BYTES - 1));
  }

  /** The way from the root: two loads a level, which every unmap of the DMA API would pay (spec D21). */
  #walk(iova: number): number {
    const tree = this.#tree;
    const { format, memory } = tree;
    if (!(iova >= 0 && iova <= format.apertureEnd && iova < tree.spans[tree.levels + 1])) return 0;
    let table = tree.root;
    for (let level = tree.levels; ; level--) {
      const at = tree.entryAt(table, level, iova);
      const low = memory.load32(at);
      if ((low & format.presentMask) === 0) return 0;
      const high = memory.load32(at + 4);
      if (format.nextLevel(low, level) === 0) {
        const sizeBytes = format.leafBytes(low, high, level);
        return format.address(low, high, sizeBytes) + (iova % sizeBytes);
      }
      table = format.address(low, high, tree.tableBytes);
    }
  }

  /** Gives every table page back, the root's included. The table is unusable afterwards. */
  destroy(): void {
    this.leafTables.forget();
    this.#tree.destroy();
  }

  #misfit(iova: number, phys: number, lengthBytes: number, prot: number): number {
    if ((prot & RIGHTS) === 0 || lengthBytes === 0) return EINVAL;
    if (((iova | phys | lengthBytes) & this.#offsetMask) !== 0) return ENXIO;
    const end = iova + lengthBytes;
    if (end - 1 <= this.format.apertureEnd && phys + lengthBytes <= PHYS_LIMIT && iova >= 0 && phys >= 0) return 0;
    return end > IOVA_LIMIT ? EOVERFLOW : ERANGE;
  }
}

function leafTablesFor(memory: WritableTables, format: PageTableFormat): LeafTables {
  if (!format.plainLeaves && format.pagePfnShift !== undefined) {
    return new EncodedLeafTables(memory, format, format.pagePfnShift);
  }
  const flags = Array.from({ length: PROTECTIONS }, (_, prot) => format.leafLow(0, PAGE_BYTES, prot, 1));
  return new LeafTables(memory, format.presentMask, flags);
}
