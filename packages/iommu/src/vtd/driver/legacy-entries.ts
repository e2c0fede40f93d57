import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';
import { lowHalf, lowMask } from '../../spec/bits.ts';
import { CONTEXT_ENTRY_BYTES, ContextEntry, ROOT_ENTRY_BYTES, TranslationType } from '../../spec/vtd-tables.ts';
import type { DeviceEntries, EntrySetup } from './device-entries.ts';
import { RootTable } from './root-table.ts';

/** Root and context tables of legacy mode, as the driver writes them (spec H16, H17). */
export class LegacyEntries implements DeviceEntries {
  readonly #memory: WritableTables;
  readonly #root: RootTable;

  constructor(memory: WritableTables, pages: TablePages) {
    this.#memory = memory;
    this.#root = new RootTable(memory, pages);
  }

  get rootTable(): number {
    return this.#root.phys;
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
    return this.#root.contextTable((sourceId >>> 8) * ROOT_ENTRY_BYTES) + (sourceId & 0xff) * CONTEXT_ENTRY_BYTES;
  }
}

function translationType({ kind, ats }: EntrySetup): number {
  if (kind === 'pass-through') return TranslationType.PASS_THROUGH;
  return ats ? TranslationType.WITH_ATS : TranslationType.UNTRANSLATED;
}
