import { type TablePages, type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { getAddress, highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import {
  CONTEXT_ENTRY_BYTES,
  ContextEntry,
  ROOT_ENTRY_BYTES,
  RootEntry,
  TranslationType,
} from '../../spec/vtd-tables.ts';
import type { DeviceEntries, EntrySetup } from './device-entries.ts';
import { TablePagesExhaustedError } from './errors.ts';

const P = lowMask(RootEntry.P);

/** Root and context tables of legacy mode, as the driver writes them (spec H16, H17). */
export class LegacyEntries implements DeviceEntries {
  readonly rootTable: number;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;

  constructor(memory: WritableTables, pages: TablePages) {
    this.#memory = memory;
    this.#pages = pages;
    this.rootTable = this.#newTable();
  }

  /** Writes the entry of a source that has none; the half with P last, so that hardware never sees part of it. */
  set(sourceId: number, setup: EntrySetup): void {
    const at = this.#entryAt(sourceId);
    const { qw0, qw1 } = ContextEntry;
    this.#memory.store32(at + 8, (lowHalf(qw1.AW, setup.levels - 2) | lowHalf(qw1.DID, setup.domainId)) >>> 0);
    this.#memory.store32(at + 12, 0);
    this.#memory.store32(at + 4, Math.floor(setup.root / 2 ** 32));
    const low = (setup.root % 2 ** 32) + lowHalf(qw0.TT, translationType(setup)) + lowMask(qw0.P);
    this.#memory.store32(at, low);
  }

  /** Clears the entry, P first (spec H28: then come the invalidations). */
  clear(sourceId: number): void {
    const at = this.#entryAt(sourceId);
    for (let word = at; word < at + CONTEXT_ENTRY_BYTES; word += 4) this.#memory.store32(word, 0);
  }

  /** A legacy entry needs no pages of its own. */
  release(): void {}

  #entryAt(sourceId: number): number {
    const rootEntry = this.rootTable + (sourceId >>> 8) * ROOT_ENTRY_BYTES;
    const low = this.#memory.load32(rootEntry);
    const table =
      (low & P) === 0 ? this.#addTable(rootEntry) : getAddress(low, this.#memory.load32(rootEntry + 4), RootEntry.CTP);
    return table + (sourceId & 0xff) * CONTEXT_ENTRY_BYTES;
  }

  #addTable(rootEntry: number): number {
    const table = this.#newTable();
    this.#memory.store32(rootEntry + 4, highHalf(RootEntry.CTP, table / 4096));
    this.#memory.store32(rootEntry, (lowHalf(RootEntry.CTP, table / 4096) | P) >>> 0);
    return table;
  }

  #newTable(): number {
    const table = this.#pages.allocTablePage();
    if (table < 0) throw new TablePagesExhaustedError('a root or context table');
    zeroTable(this.#memory, table);
    return table;
  }
}

function translationType({ kind, ats }: EntrySetup): number {
  if (kind === 'pass-through') return TranslationType.PASS_THROUGH;
  return ats ? TranslationType.WITH_ATS : TranslationType.UNTRANSLATED;
}
