import { TablePagesExhaustedError } from '../../core/unit/table-pages-exhausted-error.ts';
import { type TablePages, type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { getAddress, highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import {
  PASID_DIRECTORY_ENTRY_BYTES,
  PASID_ENTRY_BYTES,
  PasidDirectoryEntry,
  PasidEntry,
  PasidTranslationType,
} from '../../spec/vtd-tables.ts';

const P = lowMask(PasidDirectoryEntry.P);
const { qw0, qw1, qw2 } = PasidEntry;

/** A PASID entry in the driver's words (spec H21). */
export interface PasidSetup {
  /** `PasidTranslationType`. */
  readonly type: number;
  readonly domainId: number;
  /** Levels of the table; the widest second stage for pass-through. */
  readonly levels: number;
  /** Root table; 0 for pass-through. */
  readonly root: number;
  /** Walks snoop CPU caches (ECAP.SMPWC): first stage only. */
  readonly snoopsWalks: boolean;
}

/** PASID directory and tables of one device, as the driver writes them (spec H20, H21). One page of directory. */
export class PasidTables {
  readonly directory: number;
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #tables: number[] = [];

  constructor(memory: WritableTables, pages: TablePages) {
    this.#memory = memory;
    this.#pages = pages;
    this.directory = this.#newTable();
  }

  /** Writes the entry of a PASID that has none; the word with P last. */
  set(pasid: number, setup: PasidSetup): void {
    const at = this.#entryAt(pasid);
    const first = setup.type === PasidTranslationType.FIRST_STAGE;
    for (let word = at + 4; word < at + PASID_ENTRY_BYTES; word += 4) this.#memory.store32(word, 0);
    const snoop = setup.snoopsWalks && first ? lowMask(qw1.PWSNP) : 0;
    this.#memory.store32(at + 8, lowHalf(qw1.DID, setup.domainId) | snoop);
    if (first) {
      this.#memory.store32(at + 20, Math.floor(setup.root / 2 ** 32));
      this.#memory.store32(at + 16, (setup.root % 2 ** 32) + lowHalf(qw2.FSPM, setup.levels - 4));
    } else {
      this.#memory.store32(at + 4, Math.floor(setup.root / 2 ** 32));
    }
    const head = lowMask(qw0.P) | lowHalf(qw0.PGTT, setup.type) | lowHalf(qw0.AW, setup.levels - 2);
    this.#memory.store32(at, (first ? 0 : setup.root % 2 ** 32) + head);
  }

  /** Clears the entry, P first. */
  clear(pasid: number): void {
    const at = this.#entryAt(pasid);
    for (let word = at; word < at + PASID_ENTRY_BYTES; word += 4) this.#memory.store32(word, 0);
  }

  /** Gives all pages back. The context entry must not point here any more. */
  destroy(): void {
    for (const table of this.#tables) this.#pages.freeTablePage(table);
  }

  #entryAt(pasid: number): number {
    const at = this.directory + (pasid >>> 6) * PASID_DIRECTORY_ENTRY_BYTES;
    const low = this.#memory.load32(at);
    const isThere = (low & P) !== 0;
    const table = isThere
      ? getAddress(low, this.#memory.load32(at + 4), PasidDirectoryEntry.SMPTBLPTR)
      : this.#addTable(at);
    return table + (pasid & 63) * PASID_ENTRY_BYTES;
  }

  #addTable(at: number): number {
    const table = this.#newTable();
    this.#memory.store32(at + 4, highHalf(PasidDirectoryEntry.SMPTBLPTR, table / 4096));
    this.#memory.store32(at, (lowHalf(PasidDirectoryEntry.SMPTBLPTR, table / 4096) | P) >>> 0);
    return table;
  }

  #newTable(): number {
    const table = this.#pages.allocTablePage();
    if (table < 0) throw new TablePagesExhaustedError('a PASID table');
    zeroTable(this.#memory, table);
    this.#tables.push(table);
    return table;
  }
}
