import { IotlbGather } from '../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { levelShift } from '../spec/vtd-paging.ts';
import { EADDRINUSE, EINVAL, ENOMEM, ENXIO, EOVERFLOW, ERANGE } from './errno.ts';
import { LeafTables } from './leaf-tables.ts';
import type { PageTableFormat } from './page-table-format.ts';
import { ReplacedTables } from './replaced-tables.ts';
import { type TablePages, type WritableTables, zeroTable } from './table-memory.ts';
import { Unmapper } from './unmapper.ts';

const PAGE_BYTES = 4096;
/** A power of two: the product is exact, and costs less than a division. */
const PER_PAGE = 1 / PAGE_BYTES;
const RIGHTS = IOMMU_READ | IOMMU_WRITE;
const IOVA_LIMIT = 2 ** 64;
/** Physical addresses that a leaf has room for. */
const PHYS_LIMIT = 2 ** 52;
const PFN_LIMIT = PHYS_LIMIT / PAGE_BYTES;
const PAGES_PER_TABLE = 512;
/** Sums of `IOMMU_*`: six bits. */
const PROTECTIONS = 64;

/**
 * The driver's side of a page table: maps, unmaps and looks up ranges in tables that live in simulated memory
 * (spec I150 to I159, the generic family). It writes memory and nothing else; invalidation is its owner's business.
 */
export class PageTable {
  readonly format: PageTableFormat;
  /** Physical address of the root table. */
  readonly root: number;
  /** Bytes that the latest {@link map} put into the table, also when it failed (spec I154). */
  mappedBytes = 0;
  /** Empty tables that the latest {@link map} put a large page in the place of (spec I155). */
  readonly replaced: ReplacedTables;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #leafTables: LeafTables;
  readonly #unmapper: Unmapper;
  /** Stays empty: clearing one page never frees a table. */
  readonly #noTables = new IotlbGather();
  readonly #presentMask: number;
  /** Low half of a 4 KiB leaf by protection, address aside: one load instead of a call through the format. */
  readonly #pageFlags: Int32Array;

  constructor(memory: WritableTables, format: PageTableFormat, pages: TablePages, root: number) {
    this.format = format;
    this.root = root;
    this.#memory = memory;
    this.#pages = pages;
    this.replaced = new ReplacedTables(memory, format);
    this.#leafTables = new LeafTables(memory);
    this.#unmapper = new Unmapper(memory, format);
    this.#presentMask = format.presentMask;
    this.#pageFlags = Int32Array.from({ length: PROTECTIONS }, (_, prot) => format.leafFlags(prot, 1));
    zeroTable(memory, root);
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
    const tables = this.#leafTables;
    const slot = tables.slotOf(iovaPfn);
    // A known leaf table vouches for the address: what is left to check are rights and the physical range.
    if (slot < 0 || (prot & RIGHTS) === 0 || !(physPfn >= 0 && physPfn < PFN_LIMIT)) {
      return this.#mapSlowly(iovaPfn * PAGE_BYTES, physPfn * PAGE_BYTES, PAGE_BYTES, prot);
    }
    const words = tables.words[slot];
    const at = tables.bases[slot] + ((iovaPfn & (PAGES_PER_TABLE - 1)) << 1);
    this.mappedBytes = 0;
    if ((words[at] & this.#presentMask) !== 0) return EADDRINUSE;
    words[at] = (physPfn << 12) | this.#pageFlags[prot & (PROTECTIONS - 1)];
    words[at + 1] = physPfn * 2 ** -20;
    this.mappedBytes = PAGE_BYTES;
    return 0;
  }

  #mapSlowly(iova: number, phys: number, lengthBytes: number, prot: number): number {
    this.mappedBytes = 0;
    const misfit = this.#misfit(iova, phys, lengthBytes, prot);
    if (misfit !== 0) return misfit;
    if (lengthBytes > PAGE_BYTES) return this.#mapRange(iova, phys, lengthBytes, prot);
    const table = this.#tableAt(iova, 1);
    if (table < 0) return table;
    this.#leafTables.remember(iova * PER_PAGE, table);
    return this.#writePage(table + ((iova >>> 9) & 0xff8), phys, prot);
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
    const tables = this.#leafTables;
    const slot = tables.slotOf(iovaPfn);
    const first = iovaPfn & (PAGES_PER_TABLE - 1);
    if (slot < 0 || !(pages > 0 && pages < PAGES_PER_TABLE && first + pages <= PAGES_PER_TABLE)) return -1;
    const words = tables.words[slot];
    const presentMask = this.#presentMask;
    const start = tables.bases[slot] + (first << 1);
    const end = start + (pages << 1);
    let at = start;
    for (; at < end && (words[at] & presentMask) !== 0; at += 2) {
      words[at] = 0;
      words[at + 1] = 0;
    }
    return (at - start) >> 1;
  }

  #unmapSlowly(iova: number, lengthBytes: number, gather: IotlbGather): number {
    if (!(lengthBytes > 0 && iova >= 0 && iova + lengthBytes - 1 <= this.format.apertureEnd)) return 0;
    const tablesBefore = gather.tablePageCount;
    const cleared = this.#unmapper.unmap(this.root, iova, lengthBytes, gather);
    if (gather.tablePageCount !== tablesBefore) this.#leafTables.forget();
    return cleared;
  }

  /** Physical address of that byte, or 0 where nothing is mapped (spec I159). */
  iovaToPhys(iova: number): number {
    const tables = this.#leafTables;
    const pfn = Math.floor(iova * PER_PAGE);
    const slot = tables.slotOf(pfn);
    if (slot < 0) return this.#walk(iova);
    const words = tables.words[slot];
    const at = tables.bases[slot] + ((pfn & (PAGES_PER_TABLE - 1)) << 1);
    if ((words[at] & this.#presentMask) === 0) return 0;
    return this.format.address(words[at], words[at + 1], PAGE_BYTES) + (iova & (PAGE_BYTES - 1));
  }

  /** The way from the root: two loads a level, which every unmap of the DMA API would pay (spec D21). */
  #walk(iova: number): number {
    const { format } = this;
    if (!(iova >= 0 && iova <= format.apertureEnd)) return 0;
    let table = this.root;
    for (let level = format.levels; ; level--) {
      const sizeBytes = 2 ** levelShift(level);
      const at = table + (Math.floor(iova / sizeBytes) % 512) * 8;
      const low = this.#memory.load32(at);
      if ((low & format.presentMask) === 0) return 0;
      const high = this.#memory.load32(at + 4);
      if (level === 1 || format.isLargeLeaf(low)) return format.address(low, high, sizeBytes) + (iova % sizeBytes);
      table = format.address(low, high, PAGE_BYTES);
    }
  }

  /** Gives every table page back, the root's included. The table is unusable afterwards. */
  destroy(): void {
    this.#leafTables.forget();
    this.#freeTable(this.root, this.format.levels);
  }

  #misfit(iova: number, phys: number, lengthBytes: number, prot: number): number {
    if ((prot & RIGHTS) === 0 || lengthBytes === 0) return EINVAL;
    if (((iova | phys | lengthBytes) & (PAGE_BYTES - 1)) !== 0) return ENXIO;
    const end = iova + lengthBytes;
    if (end - 1 <= this.format.apertureEnd && phys + lengthBytes <= PHYS_LIMIT && iova >= 0 && phys >= 0) return 0;
    return end > IOVA_LIMIT ? EOVERFLOW : ERANGE;
  }

  #writePage(at: number, phys: number, prot: number): number {
    this.mappedBytes = 0;
    if ((this.#memory.load32(at) & this.format.presentMask) !== 0) return EADDRINUSE;
    this.#writeLeaf(at, phys, this.format.leafFlags(prot, 1));
    this.mappedBytes = PAGE_BYTES;
    return 0;
  }

  #mapRange(iova: number, phys: number, lengthBytes: number, prot: number): number {
    let done = 0;
    while (done < lengthBytes) {
      const level = this.#leafLevel(iova + done, phys + done, lengthBytes - done);
      const sizeBytes = 2 ** levelShift(level);
      const table = this.#tableAt(iova + done, level);
      if (table < 0) return table;
      const flags = this.format.leafFlags(prot, level);
      let index = Math.floor((iova + done) / sizeBytes) % 512;
      // One descent serves the run of leaves that this table holds; a larger page may start only past its end.
      do {
        const error = this.#vacate(table + index * 8, level, iova + done);
        if (error !== 0) return error;
        this.#writeLeaf(table + index * 8, phys + done, flags);
        done += sizeBytes;
        this.mappedBytes = done;
        index++;
      } while (
        index < 512 &&
        lengthBytes - done >= sizeBytes &&
        level === this.#leafLevel(iova + done, phys + done, lengthBytes - done)
      );
    }
    return 0;
  }

  /** Level of the largest page that divides both addresses and fits (spec I151). */
  #leafLevel(iova: number, phys: number, lengthBytes: number): number {
    for (let level = Math.min(this.format.levels, 5); level > 1; level--) {
      const sizeBytes = 2 ** levelShift(level);
      const supported = Math.floor(this.format.pageSizes / sizeBytes) % 2 === 1;
      if (supported && sizeBytes <= lengthBytes && iova % sizeBytes === 0 && phys % sizeBytes === 0) return level;
    }
    return 1;
  }

  /** Makes sure that nothing stands where a leaf goes: 0, or -EADDRINUSE (spec I153, I155). */
  #vacate(at: number, level: number, iova: number): number {
    const low = this.#memory.load32(at);
    if ((low & this.format.presentMask) === 0) return 0;
    if (level === 1 || this.format.isLargeLeaf(low)) return EADDRINUSE;
    const table = this.format.address(low, this.#memory.load32(at + 4), PAGE_BYTES);
    if (!this.replaced.collect(table, level - 1, iova)) return EADDRINUSE;
    this.#leafTables.forget();
    return 0;
  }

  #writeLeaf(at: number, phys: number, flags: number): void {
    this.#memory.store64(at, phys | flags, Math.floor(phys * 2 ** -32));
  }

  /** Table of that level on the way to an address, made where it is missing; or a negative errno. */
  #tableAt(iova: number, wanted: number): number {
    let table = this.root;
    for (let level = this.format.levels; level > wanted; level--) {
      const at = table + (Math.floor(iova / 2 ** levelShift(level)) % 512) * 8;
      const low = this.#memory.load32(at);
      if ((low & this.format.presentMask) === 0) {
        table = this.#pages.allocTablePage();
        if (table < 0) return ENOMEM;
        zeroTable(this.#memory, table);
        this.#writeLeaf(at, table, this.format.tableFlags);
      } else {
        if (this.format.isLargeLeaf(low)) return EADDRINUSE;
        table = this.format.address(low, this.#memory.load32(at + 4), PAGE_BYTES);
      }
    }
    return table;
  }

  #freeTable(table: number, level: number): void {
    for (let at = table; level > 1 && at < table + PAGE_BYTES; at += 8) {
      const low = this.#memory.load32(at);
      if ((low & this.format.presentMask) === 0 || this.format.isLargeLeaf(low)) continue;
      this.#freeTable(this.format.address(low, this.#memory.load32(at + 4), PAGE_BYTES), level - 1);
    }
    this.#pages.freeTablePage(table);
  }
}
