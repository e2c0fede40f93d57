import type { PageTableFormat } from '../page-table/page-table-format.ts';
import type { Field } from '../spec/bits.ts';
import type { TableDump } from './table-dump.ts';
import type { WalkStep } from './walk-step.ts';

/** What a device's requests go through. */
export type DeviceTranslation = 'first-stage' | 'second-stage' | 'nested' | 'pass-through';

/** A device's paging tables, and the entries that lead to them. */
export interface DeviceTables {
  readonly sourceId: number;
  readonly translation: DeviceTranslation;
  /** What its translations are tagged with. */
  readonly domainId: number;
  /** Level of the root paging table. */
  readonly levels: number;
  /** Physical address of the root paging table; of the first stage's where there are two. */
  readonly root: number;
  /** Of nested translation: the second stage that the first one's addresses go through. */
  readonly secondStage?: { readonly root: number; readonly levels: number };
  readonly steps: readonly WalkStep[];
}

/** How a device's paging tables are read. */
export interface PagingFormat {
  readonly format: PageTableFormat;
  readonly layout: Readonly<Record<string, Field>>;
  /** First address that no entry translates. */
  readonly limit: number;
  /** Sum of `IOMMU_READ` and `IOMMU_WRITE` that the device may have at all. Default: both. */
  readonly rights?: number;
}

/** A unit as the reader of a dump knows it: its registers say where tables are, its kind how they are read. */
export interface WalkUnit<Tables extends DeviceTables = DeviceTables> {
  /** False: devices don't get what the tables say. */
  readonly translationEnabled: boolean;
  /** What happens to requests then, and which register says so: a sentence without its full stop. */
  readonly disabledNote: string;
  /**
   * Source ids of all devices that the tables know, ascending.
   * @throws {WalkError} `ERR_WALK_TABLE_ABSENT`
   */
  listDevices(dump: TableDump): number[];
  /**
   * The tables that a device's requests without PASID go through.
   * @throws {WalkError} `ERR_WALK_NO_CONTEXT` when the tables don't know the device, `ERR_WALK_TABLE_ABSENT`
   */
  deviceTables(dump: TableDump, sourceId: number): Tables;
  /** @throws {WalkError} `ERR_WALK_NESTED`, `ERR_WALK_NO_CONTEXT` when the tables are of a shape that isn't walked */
  pagingFormat(tables: Tables): PagingFormat;
}
