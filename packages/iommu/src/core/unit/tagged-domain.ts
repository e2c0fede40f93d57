import type { LeafTables } from '../../page-table/leaf-tables.ts';
import { PageTable } from '../../page-table/page-table.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import { giveTable, type TablePages, type WritableTables } from '../../page-table/table-memory.ts';
import type { IotlbGather } from '../iotlb-gather.ts';
import type { PageOperations } from '../paging-domain.ts';
import type { CacheTag } from './cache-tag.ts';
import type { UnitDomain } from './iommu-unit-driver.ts';

/** A paging domain of any kind of unit: one page table, and the units and devices whose caches have to follow it (spec I168). */
export class TaggedDomain implements UnitDomain {
  readonly pageSizes: number;
  readonly apertureEnd: number;
  readonly #table: PageTable;
  readonly #pages: TablePages;
  readonly #tableBytes: number = 0;
  /** One per (domain id, unit) and one per device TLB, in the order of attachment. */
  readonly #tags: CacheTag[] = [];
  #syncsMaps = false;

  /** @param root page for the root table, or as many as the format's root takes */
  constructor(memory: WritableTables, format: PageTableFormat, pages: TablePages, root: number) {
    this.#pages = pages;
    this.#tableBytes = 2 ** format.granuleShift;
    this.#table = new PageTable(memory, format, pages, root);
    this.pageSizes = format.pageSizes;
    this.apertureEnd = format.apertureEnd;
  }

  /** Physical address of the root table. */
  get root(): number {
    return this.#table.root;
  }

  /** Level of the root table. */
  get levels(): number {
    return this.#table.levels;
  }

  get pageOperations(): PageOperations {
    return this.#table;
  }

  get leafTables(): LeafTables {
    return this.#table.leafTables;
  }

  get syncsMaps(): boolean {
    return this.#syncsMaps;
  }

  get mappedBytes(): number {
    return this.#table.mappedBytes;
  }

  map(iova: number, phys: number, lengthBytes: number, prot: number): number {
    const result = this.#table.map(iova, phys, lengthBytes, prot);
    if (this.#table.replaced.count > 0) this.#retireReplacedTables();
    return result;
  }

  unmap(iova: number, lengthBytes: number, gather: IotlbGather): number {
    const cleared = this.#table.unmap(iova, lengthBytes, gather);
    if (cleared > 0 && !gather.queued) gather.addRange(iova, iova + cleared - 1);
    return cleared;
  }

  iovaToPhys(iova: number): number {
    return this.#table.iovaToPhys(iova);
  }

  /** New mappings: only caching mode and write buffers care (spec I167). */
  iotlbSyncMap(iova: number, lengthBytes: number): number {
    for (const tag of this.#tags) tag.syncMap(iova, iova + lengthBytes - 1);
    return 0;
  }

  iotlbSync(gather: IotlbGather): void {
    const leafOnly = gather.tablePageCount === 0;
    if (gather.start < gather.end) this.#flushRange(gather.start, gather.end, leafOnly);
    this.freeTablePages(gather.tablePages, gather.tablePageCount);
    gather.reset(false);
  }

  flushIotlbAll(): void {
    const tags = this.#tags;
    for (let i = 0; i < tags.length; i++) tags[i].flushAll(); // no iterators: a lazy domain comes here every 256 unmaps
    for (let i = 0; i < tags.length; i++) tags[i].finish();
  }

  freeTablePages(pages: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) giveTable(this.#pages, pages[i], this.#tableBytes);
  }

  /** A unit or device that this domain's invalidations have to visit from now on. */
  addTag(tag: CacheTag): void {
    this.#tags.push(tag);
    this.#settleTags();
  }

  removeTag(tag: CacheTag): void {
    this.#tags.splice(this.#tags.indexOf(tag), 1);
    this.#settleTags();
  }

  /** Frees all tables. The domain must not be attached anywhere. */
  destroy(): void {
    this.#table.destroy();
  }

  #settleTags(): void {
    this.#syncsMaps = this.#tags.some((tag) => tag.syncsMaps);
  }

  /** All tags queue before any waits, so that one batch a unit ends in one wait (spec I166, I192). */
  #flushRange(start: number, end: number, leafOnly: boolean): void {
    const tags = this.#tags;
    for (let i = 0; i < tags.length; i++) tags[i].flushRange(start, end, leafOnly);
    for (let i = 0; i < tags.length; i++) tags[i].finish();
  }

  #retireReplacedTables(): void {
    const { gather } = this.#table.replaced;
    this.#flushRange(gather.start, gather.end, false);
    this.freeTablePages(gather.tablePages, gather.tablePageCount);
    this.#table.replaced.reset();
  }
}
