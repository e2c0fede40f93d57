import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';
import { lowHalf, lowMask } from '../../spec/bits.ts';
import { PasidTranslationType, SCALABLE_CONTEXT_ENTRY_BYTES, ScalableContextEntry } from '../../spec/vtd-tables.ts';
import type { DeviceEntries, EntrySetup } from './device-entries.ts';
import { PasidTables } from './pasid-tables.ts';
import { RootTable } from './root-table.ts';

/** PASID that requests without one use: Linux leaves RID_PASID at 0 (spec H9). */
export const RID_PASID = 0;

/** Half an entry: one for devices 0 to 15, one for 16 to 31 of a bus (spec H20). */
const SCALABLE_ROOT_POINTER_BYTES = 8;
const TYPES = {
  'first-stage': PasidTranslationType.FIRST_STAGE,
  'second-stage': PasidTranslationType.SECOND_STAGE,
  'pass-through': PasidTranslationType.PASS_THROUGH,
} as const;

/** Root and context tables of scalable mode, with a PASID directory for each source (spec H20, H21). */
export class ScalableEntries implements DeviceEntries {
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #root: RootTable;
  readonly #snoopsWalks: boolean;
  readonly #pasidTables = new Map<number, PasidTables>();

  /** @param snoopsWalks ECAP.SMPWC */
  constructor(memory: WritableTables, pages: TablePages, snoopsWalks: boolean) {
    this.#memory = memory;
    this.#pages = pages;
    this.#snoopsWalks = snoopsWalks;
    this.#root = new RootTable(memory, pages);
  }

  get rootTable(): number {
    return this.#root.phys;
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
    const table = this.#root.contextTable((sourceId >>> 7) * SCALABLE_ROOT_POINTER_BYTES);
    return table + (sourceId & 0x7f) * SCALABLE_CONTEXT_ENTRY_BYTES;
  }
}
