import type { IotlbGather } from '../../core/iotlb-gather.ts';
import type { PageOperations } from '../../core/paging-domain.ts';
import type { UnitDomain } from '../../core/unit/iommu-unit-driver.ts';
import { PageTable } from '../../page-table/page-table.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';
import type { CacheTag } from './cache-tag.ts';

/** Which kind of table a domain has (spec H26). */
export type VtdStage = 'first' | 'second';

/** A VT-d paging domain: one page table, and the units and devices whose caches have to follow it (spec I168). */
export class VtdDomain implements UnitDomain {
  readonly stage: VtdStage;
  readonly pageSizes: number;
  readonly apertureEnd: number;
  readonly #table: PageTable;
  readonly #pages: TablePages;
  /** One per (domain id, unit) and one per device TLB, in the order of attachment. */
  readonly #tags: CacheTag[] = [];
  #syncsMaps = false;

  constructor(memory: WritableTables, format: PageTableFormat, stage: VtdStage, pages: TablePages, root: number) {
    this.stage = stage;
    this.#pages = pages;
    this.#table = new PageTable(memory, format, pages, root);
    this.pageSizes = format.pageSizes;
    this.apertureEnd = format.apertureEnd;
  }

  /** Physical address of the root table. */
  get root(): number {
    return this.#table.root;
  }

  get levels(): number {
    return this.#table.format.levels;
  }

  get pageOperations(): PageOperations {
    return this.#table;
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
    for (let i = 0; i < count; i++) this.#pages.freeTablePage(pages[i]);
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
