import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import type { PageTableFormat } from '../page-table/page-table-format.ts';
import { levelShift } from '../spec/vtd-paging.ts';
import { type DeviceTables, findDeviceTables } from './device-tables.ts';
import { MappingRanges } from './mapping-ranges.ts';
import { pagingFormat } from './paging-format.ts';
import { type DumpMemory, TableDump } from './table-dump.ts';
import type { UnitRegisters } from './unit-registers.ts';

/** Tables that a listing reads at most: 2^18 map 512 GiB in 4 KiB pages. Ones that point at each other would never end. */
const MOST_TABLES = 2 ** 18;
/** Ranges that a listing holds at most. */
const MOST_RANGES = 2 ** 22;

/** All that a device can reach, in ascending order of address. */
export interface DeviceMappings {
  readonly tables: DeviceTables;
  readonly ranges: MappingRanges;
  /** Tables that an entry points at and the dump does not hold, with the first address that each would translate. */
  readonly absent: readonly { readonly phys: number; readonly iova: number; readonly level: number }[];
  /** The tables did not end: the listing did. */
  readonly truncated: boolean;
}

/**
 * Lists every mapping of a device (spec H18, H22); of a first stage the lower half, which is all that DMA domains use.
 * A table that the dump lacks is reported, and its span left out.
 * @throws {WalkError} when the device has no tables, or the dump lacks the root one
 */
export function listMappings(memory: DumpMemory, registers: UnitRegisters, sourceId: number): DeviceMappings {
  const dump = new TableDump(memory);
  const tables = findDeviceTables(dump, registers, sourceId);
  if (tables.translation === 'pass-through') {
    return { tables, ranges: new MappingRanges(), absent: [], truncated: false };
  }
  const { format, limit } = pagingFormat(tables, registers);
  dump.load(tables.root, `the level ${tables.levels} ${tables.translation} table`);
  const listing = new Listing(dump, format, limit);
  listing.table(tables.root, tables.levels, 0, IOMMU_READ | IOMMU_WRITE);
  return { tables, ranges: listing.ranges, absent: listing.absent, truncated: listing.isFull };
}

/** One pass over a tree of tables, with a page buffer for each level. */
class Listing {
  readonly ranges = new MappingRanges();
  readonly absent: { phys: number; iova: number; level: number }[] = [];
  /** A limit was reached: what follows is left out. */
  isFull = false;
  #tables = 0;
  readonly #dump: TableDump;
  readonly #format: PageTableFormat;
  readonly #limit: number;
  readonly #buffers = [1, 2, 3, 4, 5].map(() => new Uint32Array(1024));

  constructor(dump: TableDump, format: PageTableFormat, limit: number) {
    this.#dump = dump;
    this.#format = format;
    this.#limit = limit;
  }

  table(page: number, level: number, start: number, rights: number): void {
    this.isFull ||= this.#tables++ === MOST_TABLES || this.ranges.count > MOST_RANGES;
    if (this.isFull) return;
    if (!this.#dump.has(page)) {
      this.absent.push({ phys: page, iova: start, level });
      return;
    }
    const words = this.#dump.load(page, 'a paging table', this.#buffers[level - 1]);
    if (level === 1) this.#leaves(words, start, rights);
    else this.#entries(words, level, start, rights);
  }

  /** Level 1: the loop that a dump's time goes into. */
  #leaves(words: Uint32Array, start: number, rights: number): void {
    const format = this.#format;
    for (let index = 0; index < 512; index++) {
      const low = words[index * 2];
      if ((low & format.presentMask) === 0) continue;
      const granted = rights & format.rights(low, words[index * 2 + 1]);
      if (granted !== 0)
        this.ranges.add(start + index * 4096, format.address(low, words[index * 2 + 1], 4096), 4096, granted);
    }
  }

  #entries(words: Uint32Array, level: number, start: number, rights: number): void {
    const format = this.#format;
    const sizeBytes = 2 ** levelShift(level);
    for (let index = 0; index < 512; index++) {
      const low = words[index * 2];
      const iova = start + index * sizeBytes;
      if (iova >= this.#limit) return;
      if ((low & format.presentMask) === 0) continue;
      const granted = rights & format.rights(low, words[index * 2 + 1]);
      if (granted === 0) continue;
      const high = words[index * 2 + 1];
      if (!format.isLargeLeaf(low)) this.table(format.address(low, high, 4096), level - 1, iova, granted);
      else if (Math.floor(format.pageSizes / sizeBytes) % 2 === 1 && format.isAligned(low, sizeBytes)) {
        this.ranges.add(iova, format.address(low, high, sizeBytes), sizeBytes, granted);
      }
    }
  }
}
