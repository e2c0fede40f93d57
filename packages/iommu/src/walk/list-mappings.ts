import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { type PageTableFormat, spanShift } from '../page-table/page-table-format.ts';
import { MappingRanges } from './mapping-ranges.ts';
import { type DumpMemory, TableDump } from './table-dump.ts';
import { entriesOf } from './table-entries.ts';
import type { DeviceTables, WalkUnit } from './walk-unit.ts';

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
 * Lists every mapping of a device; of a first stage the lower half, which is all that DMA domains use. A table that the
 * dump lacks is reported, and its span left out.
 * @throws {WalkError} when the device has no tables, or the dump lacks the root one
 */
export function listMappings(memory: DumpMemory, unit: WalkUnit, sourceId: number): DeviceMappings {
  const dump = new TableDump(memory);
  const tables = unit.deviceTables(dump, sourceId);
  if (tables.translation === 'pass-through') {
    return { tables, ranges: new MappingRanges(), absent: [], truncated: false };
  }
  const { format, limit, rights = IOMMU_READ | IOMMU_WRITE } = unit.pagingFormat(tables);
  const root = new Uint32Array(2 * entriesOf(format, tables.levels, tables.levels));
  dump.load(tables.root, `the level ${tables.levels} ${tables.translation} table`, root);
  const listing = new Listing(dump, format, limit, tables.levels);
  listing.table(tables.root, tables.levels, 0, rights);
  return { tables, ranges: listing.ranges, absent: listing.absent, truncated: listing.isFull };
}

/** One pass over a tree of tables, with a buffer for the tables of each level. */
class Listing {
  readonly ranges = new MappingRanges();
  readonly absent: { phys: number; iova: number; level: number }[] = [];
  /** A limit was reached: what follows is left out. */
  isFull = false;
  #tables = 0;
  readonly #dump: TableDump;
  readonly #format: PageTableFormat;
  readonly #limit: number = 0;
  readonly #tableBytes: number = 0;
  /** By level, from 1 on. */
  readonly #buffers: readonly Uint32Array<ArrayBuffer>[];

  constructor(dump: TableDump, format: PageTableFormat, limit: number, rootLevel: number) {
    this.#dump = dump;
    this.#format = format;
    this.#limit = limit;
    this.#tableBytes = 2 ** format.granuleShift;
    this.#buffers = Array.from(
      { length: rootLevel + 1 },
      (_, level) => new Uint32Array(2 * entriesOf(format, level, rootLevel)),
    );
  }

  table(table: number, level: number, start: number, rights: number): void {
    this.isFull ||= this.#tables++ === MOST_TABLES || this.ranges.count > MOST_RANGES;
    if (this.isFull) return;
    const buffer = this.#buffers[level];
    if (!this.#dump.has(table, buffer.byteLength)) {
      this.absent.push({ phys: table, iova: start, level });
      return;
    }
    const words = this.#dump.load(table, 'a paging table', buffer);
    if (level === 1 && this.#format.plainLeaves) this.#plainLeaves(words, start, rights);
    else this.#entries(words, level, start, rights);
  }

  /** Level 1 of one entry a page: the loop that a dump's time goes into. */
  #plainLeaves(words: Uint32Array, start: number, rights: number): void {
    const format = this.#format;
    const pageBytes = this.#tableBytes;
    for (let at = 0; at < words.length; at += 2) {
      const low = words[at];
      if ((low & format.presentMask) === 0) continue;
      const high = words[at + 1];
      const granted = rights & format.rights(low, high, 1);
      if (granted !== 0)
        this.ranges.add(start + (at / 2) * pageBytes, format.address(low, high, pageBytes), pageBytes, granted);
    }
  }

  #entries(words: Uint32Array, level: number, start: number, rights: number): void {
    const format = this.#format;
    const spanBytes = 2 ** spanShift(format, level);
    for (let at = 0; at < words.length; at += 2) {
      const low = words[at];
      const iova = start + (at / 2) * spanBytes;
      if (iova >= this.#limit) return;
      if ((low & format.presentMask) === 0) continue;
      const high = words[at + 1];
      const granted = rights & format.rights(low, high, level);
      if (granted === 0) continue;
      const next = format.nextLevel(low, level);
      if (next === 0) this.#leaf(low, high, level, iova, granted);
      else if (next < level) this.table(format.address(low, high, this.#tableBytes), next, iova, granted);
    }
  }

  /** The part of a page that one entry translates: all of it, unless several entries make the page. */
  #leaf(low: number, high: number, level: number, iova: number, granted: number): void {
    const format = this.#format;
    const pageBytes = format.leafBytes(low, high, level);
    if (Math.floor(format.pageSizes / pageBytes) % 2 === 0 || !format.isAligned(low, pageBytes)) return;
    const phys = format.address(low, high, pageBytes) + (iova % pageBytes);
    this.ranges.add(iova, phys, Math.min(pageBytes, 2 ** spanShift(format, level)), granted);
  }
}
