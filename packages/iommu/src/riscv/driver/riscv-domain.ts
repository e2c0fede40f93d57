import type { IotlbGather } from '../../core/iotlb-gather.ts';
import type { PageOperations } from '../../core/paging-domain.ts';
import type { UnitDomain } from '../../core/unit/iommu-unit-driver.ts';
import { PageTable } from '../../page-table/page-table.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';
import type { Commands } from './commands.ts';

/** A RISC-V paging domain: one first-stage page table, known to its unit by a PSCID (spec H93). */
export class RiscvDomain implements UnitDomain {
  readonly pscid: number;
  readonly pageSizes: number;
  readonly apertureEnd: number;
  /** No unit caches that something isn't mapped (spec H4). */
  readonly syncsMaps = false;
  readonly #table: PageTable;
  readonly #pages: TablePages;
  readonly #commands: Commands;
  readonly #release: () => void;
  /** Attached devices that keep translations of their own. */
  readonly #atsDevices: number[] = [];

  /** @param release gives the PSCID back */
  constructor(
    memory: WritableTables,
    format: PageTableFormat,
    pages: TablePages,
    root: number,
    commands: Commands,
    pscid: number,
    release: () => void,
  ) {
    this.pscid = pscid;
    this.#pages = pages;
    this.#commands = commands;
    this.#release = release;
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

  iotlbSyncMap(): number {
    return 0;
  }

  iotlbSync(gather: IotlbGather): void {
    if (gather.start < gather.end) this.#flushRange(gather.start, gather.end, gather.tablePageCount === 0);
    this.freeTablePages(gather.tablePages, gather.tablePageCount);
    gather.reset(false);
  }

  flushIotlbAll(): void {
    this.#commands.addressSpace(this.pscid);
    if (this.#atsDevices.length > 0) this.#commands.ring.pushFence();
    for (const deviceId of this.#atsDevices) this.#commands.wholeDeviceTlb(deviceId);
    this.#commands.ring.finish();
  }

  freeTablePages(pages: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) this.#pages.freeTablePage(pages[i]);
  }

  /** That device's own translations have to be invalidated from now on. */
  addAtsDevice(deviceId: number): void {
    this.#atsDevices.push(deviceId);
  }

  removeAtsDevice(deviceId: number): void {
    const index = this.#atsDevices.indexOf(deviceId);
    if (index >= 0) this.#atsDevices.splice(index, 1);
  }

  /** Frees all tables and the PSCID. The domain must not be attached anywhere. */
  destroy(): void {
    this.#table.destroy();
    this.#release();
  }

  /** The unit's own translations first: a device could fill its TLB from them again (spec H13). */
  #flushRange(start: number, end: number, leafOnly: boolean): void {
    this.#commands.pages(this.pscid, start, end, leafOnly);
    if (this.#atsDevices.length > 0) this.#commands.ring.pushFence();
    for (const deviceId of this.#atsDevices) this.#commands.deviceTlb(deviceId, start, end);
    this.#commands.ring.finish();
  }

  #retireReplacedTables(): void {
    const { gather } = this.#table.replaced;
    this.#flushRange(gather.start, gather.end, false);
    this.freeTablePages(gather.tablePages, gather.tablePageCount);
    this.#table.replaced.reset();
  }
}
