import { TablePagesExhaustedError } from '../../core/unit/table-pages-exhausted-error.ts';
import { type TablePages, takeTable, type WritableTables, zeroTable } from '../../page-table/table-memory.ts';
import { get, highHalf, lowHalf, lowMask } from '../../spec/bits.ts';
import {
  RISCV_BASE_CONTEXT_BYTES,
  RISCV_EXTENDED_CONTEXT_BYTES,
  RiscvDeviceContext,
  RiscvDirectoryEntry,
  RiscvPagingMode,
} from '../../spec/riscv-tables.ts';
import { RiscvUnsupportedError } from './errors.ts';

const { tc, ta, fsc } = RiscvDeviceContext;
const V = lowMask(tc.V);
const LEVELS = 3;
const INDEX_BITS = 9;

/** How a device's requests are to be translated: behind a first stage, or not at all. */
export interface ContextSetup {
  readonly pscid: number;
  /** Root paging table; 0 for pass-through. */
  readonly root: number;
  /** Levels of it; 0 for pass-through. */
  readonly levels: number;
  readonly ats: boolean;
}

/** The device directory as the driver writes it (spec H92, H93), tables made when they are first needed. */
export class DeviceContexts {
  readonly #memory: WritableTables;
  readonly #pages: TablePages;
  readonly #contextBytes: number;
  readonly #leafBits: number;
  readonly #root: number;
  /** Levels that the unit walks. */
  #levels = LEVELS;

  /** @param extended contexts have 64 bytes (`capabilities.MSI_FLAT`) */
  constructor(memory: WritableTables, pages: TablePages, extended: boolean) {
    this.#memory = memory;
    this.#pages = pages;
    this.#contextBytes = extended ? RISCV_EXTENDED_CONTEXT_BYTES : RISCV_BASE_CONTEXT_BYTES;
    this.#leafBits = extended ? 6 : 7;
    this.#root = this.#newTable();
  }

  /** Root for a unit that walks that many levels: the first table of a level is the root of a lower directory. */
  rootFor(levels: number): number {
    this.#levels = levels;
    let table = this.#root;
    for (let level = LEVELS; level > levels; level--) table = this.#child(table, 0);
    return table;
  }

  /** Writes the context of a device that has none; the half with V last. */
  set(deviceId: number, { pscid, root, levels, ats }: ContextSetup): void {
    const at = this.#contextAt(deviceId);
    const mode = levels === 0 ? RiscvPagingMode.BARE : RiscvPagingMode.SV39 + levels - 3;
    for (let word = at + 4; word < at + this.#contextBytes; word += 4) this.#memory.store32(word, 0);
    this.#memory.store32(at + 16, lowHalf(ta.PSCID, pscid));
    this.#memory.store32(at + 24, lowHalf(fsc.PPN, root / 4096));
    this.#memory.store32(at + 28, (highHalf(fsc.PPN, root / 4096) | highHalf(fsc.MODE, mode)) >>> 0);
    this.#memory.store32(at, V | lowHalf(tc.EN_ATS, ats ? 1 : 0));
  }

  /** Clears the context, V first. */
  clear(deviceId: number): void {
    const at = this.#contextAt(deviceId);
    for (let word = at; word < at + this.#contextBytes; word += 4) this.#memory.store32(word, 0);
  }

  /** @throws {RiscvUnsupportedError} when the directory has no room for the id */
  #contextAt(deviceId: number): number {
    const idBits = Math.min(this.#leafBits + INDEX_BITS * (this.#levels - 1), 24);
    if (!(deviceId >= 0 && deviceId < 2 ** idBits))
      throw new RiscvUnsupportedError(`device id 0x${deviceId.toString(16)}`);
    let table = this.#root;
    for (let level = LEVELS - 1; level > 0; level--) {
      const shift = this.#leafBits + INDEX_BITS * (level - 1);
      table = this.#child(table, (deviceId >>> shift) & (2 ** INDEX_BITS - 1));
    }
    return table + (deviceId & (2 ** this.#leafBits - 1)) * this.#contextBytes;
  }

  #child(table: number, index: number): number {
    const at = table + index * 8;
    const low = this.#memory.load32(at);
    const { PPN } = RiscvDirectoryEntry;
    if ((low & V) !== 0) return get(low, this.#memory.load32(at + 4), PPN) * 4096;
    const child = this.#newTable();
    // The half with V last: hardware that sees it reads the other half too.
    this.#memory.store32(at + 4, highHalf(PPN, child / 4096));
    this.#memory.store32(at, (lowHalf(PPN, child / 4096) | V) >>> 0);
    return child;
  }

  #newTable(): number {
    const table = takeTable(this.#pages, 4096);
    if (table < 0) throw new TablePagesExhaustedError('a device directory table');
    zeroTable(this.#memory, table);
    return table;
  }
}
