import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { type PageTableFormat, spanShift } from '../page-table/page-table-format.ts';
import { type DumpMemory, TableDump } from './table-dump.ts';
import { entriesOf } from './table-entries.ts';
import { WalkError } from './walk-error.ts';
import { type WalkStep, walkStep } from './walk-step.ts';
import type { DeviceTables, PagingFormat, WalkUnit } from './walk-unit.ts';

/** What a device sees at an address, and every entry that decides it. */
export interface IovaWalk {
  readonly sourceId: number;
  readonly translation: DeviceTables['translation'];
  readonly domainId: number;
  readonly iova: number;
  readonly steps: readonly WalkStep[];
  /** The translation; absent where the device is blocked. */
  readonly page?: {
    /** Physical address of that byte. */
    readonly phys: number;
    /** Bytes in the page that holds it; 0 for pass-through, which has no pages. */
    readonly pageBytes: number;
    readonly readable: boolean;
    readonly writable: boolean;
  };
  /** Why the device is blocked, in words. */
  readonly blocked?: string;
}

/**
 * Walks one address of one device through the tables in a memory image.
 * @throws {WalkError} when the image or the tables lack what the walk needs
 */
export function walkIova(memory: DumpMemory, unit: WalkUnit, sourceId: number, iova: number): IovaWalk {
  if (!(Number.isSafeInteger(iova) && iova >= 0)) {
    throw new WalkError('ERR_WALK_IOVA', `${iova} is no I/O virtual address: it must be a whole number below 2^53`);
  }
  const dump = new TableDump(memory);
  const tables = unit.deviceTables(dump, sourceId);
  const { translation, domainId } = tables;
  const head = { sourceId, translation, domainId, iova };
  if (translation === 'pass-through') {
    return { ...head, steps: tables.steps, page: { phys: iova, pageBytes: 0, readable: true, writable: true } };
  }
  return { ...head, ...walkPaging(dump, tables, unit.pagingFormat(tables), iova) };
}

type Outcome = Pick<IovaWalk, 'steps' | 'page' | 'blocked'>;

function walkPaging(
  dump: TableDump,
  tables: DeviceTables,
  { format, layout, limit, rights: granted = IOMMU_READ | IOMMU_WRITE }: PagingFormat,
  iova: number,
): Outcome {
  const steps = [...tables.steps];
  if (iova >= limit)
    return { steps, blocked: `address 0x${iova.toString(16)} is past what ${tables.levels} levels translate` };
  let table = tables.root;
  let rights = granted;
  for (let level = tables.levels; ; ) {
    const entries = entriesOf(format, level, tables.levels);
    const words = dump.load(table, `the level ${level} ${tables.translation} table`, new Uint32Array(entries * 2));
    const spanBytes = 2 ** spanShift(format, level);
    const index = Math.floor(iova / spanBytes) % entries;
    const place = { table: tables.translation, level, index, at: table + index * 8 };
    steps.push(walkStep(place, words, index * 2, [layout]));
    const low = words[index * 2];
    const high = words[index * 2 + 1];
    if ((low & format.presentMask) === 0) return { steps, blocked: `the level ${level} entry is not present` };
    rights &= format.rights(low, high, level);
    const next = format.nextLevel(low, level);
    if (next === 0) return { steps, ...pageAt(format, low, high, level, rights, iova) };
    if (next >= level) return { steps, blocked: `the level ${level} entry names a table of level ${next}` };
    if (iova % spanBytes >= 2 ** spanShift(format, next + 1)) {
      return { steps, blocked: `the level ${level} entry skips levels whose address bits are not zero` };
    }
    table = format.address(low, high, 2 ** format.granuleShift);
    level = next;
  }
}

function pageAt(
  format: PageTableFormat,
  low: number,
  high: number,
  level: number,
  rights: number,
  iova: number,
): Pick<IovaWalk, 'page' | 'blocked'> {
  const pageBytes = format.leafBytes(low, high, level);
  if (Math.floor(format.pageSizes / pageBytes) % 2 === 0) {
    return { blocked: `the level ${level} entry claims a page of a size that the unit has not` };
  }
  if (!format.isAligned(low, pageBytes)) {
    return { blocked: `the level ${level} entry has address bits below its page size: they are reserved` };
  }
  if (rights === 0) return { blocked: 'the entries on the way grant neither read nor write' };
  const phys = format.address(low, high, pageBytes) + (iova % pageBytes);
  return { page: { phys, pageBytes, readable: (rights & IOMMU_READ) !== 0, writable: (rights & IOMMU_WRITE) !== 0 } };
}
