import { type TablePages, type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { getAddress, highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import {
  PasidTranslationType,
  SCALABLE_CONTEXT_ENTRY_BYTES,
  ScalableContextEntry,
  ScalableRootEntry,
} from '../../spec/vtd-tables.ts';
import type { DeviceEntries, EntrySetup } from './device-entries.ts';
import { TablePagesExhaustedError } from './errors.ts';
import { PasidTables } from './pasid-tables.ts';

/** PASID that requests without one use: Linux leaves RID_PASID at 0 (spec H9). */
export const RID_PASID = 0;

const P = lowMask(ScalableRootEntry.P);
const TYPES = {
  'first-stage': PasidTranslationType.FIRST_STAGE,
  'second-stage': PasidTranslationType.SECOND_STAGE,
  'pass-through': PasidTranslationType.PASS_THROUGH,
} as const;

/** Root and context tables of scalable mode, with a PASID directory for each source (spec H20, H21). */
export class ScalableEntries implements DeviceEntries {
  readonly rootTable: number;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #snoopsWalks: boolean;
  readonly #pasidTables = new Map<number, PasidTables>();

  /** @param snoopsWalks ECAP.SMPWC */
  constructor(memory: WritableTables, pages: TablePages, snoopsWalks: boolean) {
    this.#memory = memory;
    this.#pages = pages;
    this.#snoopsWalks = snoopsWalks;
    this.rootTable = this.#newTable();
  }

  /** PASID entry first, then the context entry that leads to it, the word with P last. */
  set(sourceId: number, { kind, levels, domainId, root, ats }: EntrySetup): void {
    const { qw0 } = ScalableContextEntry;
    const tables = new PasidTables(this.#memory, this.#pages);
    tables.set(RID_PASID, { type: TYPES[kind], domainId, levels, root, snoopsWalks: this.#snoopsWalks });
    this.#pasidTables.set(sourceId, tables);
    const at = this.#contextAt(sourceId);
    this.#memory.store32(at + 8, RID_PASID);
    this.#memory.store32(at + 4, Math.floor(tables.directory / 2 ** 32));
    // PDTS 2: 512 directory entries, the page that there is.
    const head = lowMask(qw0.P) | lowHalf(qw0.DTE, ats ? 1 : 0) | lowHalf(qw0.PDTS, 2);
    this.#memory.store32(at, (tables.directory % 2 ** 32) + head);
  }

  clear(sourceId: number): void {
    const at = this.#contextAt(sourceId);
    for (let word = at; word < at + SCALABLE_CONTEXT_ENTRY_BYTES; word += 4) this.#memory.store32(word, 0);
    this.#pasidTables.get(sourceId)?.clear(RID_PASID);
  }

  release(sourceId: number): void {
    this.#pasidTables.get(sourceId)?.destroy();
    this.#pasidTables.delete(sourceId);
  }

  #contextAt(sourceId: number): number {
    const at = this.rootTable + (sourceId >>> 7) * 8;
    const low = this.#memory.load32(at);
    const isThere = (low & P) !== 0;
    const table = isThere ? getAddress(low, this.#memory.load32(at + 4), ScalableRootEntry.CTP) : this.#addTable(at);
    return table + (sourceId & 0x7f) * SCALABLE_CONTEXT_ENTRY_BYTES;
  }

  #addTable(at: number): number {
    const table = this.#newTable();
    this.#memory.store32(at + 4, highHalf(ScalableRootEntry.CTP, table / 4096));
    this.#memory.store32(at, (lowHalf(ScalableRootEntry.CTP, table / 4096) | P) >>> 0);
    return table;
  }

  #newTable(): number {
    const table = this.#pages.allocTablePage();
    if (table < 0) throw new TablePagesExhaustedError('a root or context table');
    zeroTable(this.#memory, table);
    return table;
  }
}
