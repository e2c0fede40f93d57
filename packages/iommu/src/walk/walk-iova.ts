import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { levelShift } from '../spec/vtd-paging.ts';
import { type DeviceTables, findDeviceTables } from './device-tables.ts';
import { type PagingFormat, pagingFormat } from './paging-format.ts';
import { type DumpMemory, TableDump } from './table-dump.ts';
import type { UnitRegisters } from './unit-registers.ts';
import { WalkError } from './walk-error.ts';
import { type WalkStep, walkStep } from './walk-step.ts';

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
 * Walks one address of one device through the tables in a memory image (spec H16 to H22).
 * @throws {WalkError} when the image or the tables lack what the walk needs
 */
export function walkIova(memory: DumpMemory, registers: UnitRegisters, sourceId: number, iova: number): IovaWalk {
  if (!(Number.isSafeInteger(iova) && iova >= 0)) {
    throw new WalkError('ERR_WALK_IOVA', `${iova} is no I/O virtual address: it must be a whole number below 2^53`);
  }
  const dump = new TableDump(memory);
  const tables = findDeviceTables(dump, registers, sourceId);
  const { translation, domainId } = tables;
  const head = { sourceId, translation, domainId, iova };
  if (translation === 'pass-through') {
    return { ...head, steps: tables.steps, page: { phys: iova, pageBytes: 0, readable: true, writable: true } };
  }
  return { ...head, ...walkPaging(dump, tables, pagingFormat(tables, registers), iova) };
}

function walkPaging(
  dump: TableDump,
  tables: DeviceTables,
  { format, layout, limit }: PagingFormat,
  iova: number,
): Pick<IovaWalk, 'steps' | 'page' | 'blocked'> {
  const steps = [...tables.steps];
  if (iova >= limit)
    return { steps, blocked: `address 0x${iova.toString(16)} is past what ${tables.levels} levels translate` };
  let table = tables.root;
  let rights = IOMMU_READ | IOMMU_WRITE;
  for (let level = tables.levels; ; level--) {
    const words = dump.load(table, `the level ${level} ${tables.translation} table`);
    const sizeBytes = 2 ** levelShift(level);
    const index = Math.floor(iova / sizeBytes) % 512;
    const place = { table: tables.translation, level, index, at: table + index * 8 };
    steps.push(walkStep(place, words, index * 2, [layout]));
    const low = words[index * 2];
    const high = words[index * 2 + 1];
    if ((low & format.presentMask) === 0) return { steps, blocked: `the level ${level} entry is not present` };
    rights &= format.rights(low, high);
    const isLarge = level > 1 && format.isLargeLeaf(low);
    if (isLarge && Math.floor(format.pageSizes / sizeBytes) % 2 === 0) {
      return { steps, blocked: `the level ${level} entry claims a page of a size that the unit has not` };
    }
    if (isLarge && !format.isAligned(low, sizeBytes)) {
      return { steps, blocked: `the level ${level} entry has address bits below its page size: they are reserved` };
    }
    if (level > 1 && !isLarge) table = format.address(low, high, 4096);
    else return { steps, ...pageOf(format.address(low, high, sizeBytes) + (iova % sizeBytes), sizeBytes, rights) };
  }
}

function pageOf(phys: number, pageBytes: number, rights: number): Pick<IovaWalk, 'page' | 'blocked'> {
  if (rights === 0) return { blocked: 'the entries on the way grant neither read nor write' };
  return { page: { phys, pageBytes, readable: (rights & IOMMU_READ) !== 0, writable: (rights & IOMMU_WRITE) !== 0 } };
}
