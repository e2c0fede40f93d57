import { WalkError } from './walk-error.ts';

/** A memory image that knows which of its bytes it holds. `MemoryImage` of @dmalab/phys-memory is one. */
export interface DumpMemory {
  has(at: number, lengthBytes: number): boolean;
  read(at: number, into: Uint8Array): void;
}

const PAGE_BYTES = 4096;

/** Reads tables out of a dump, whole, and never anything that the dump doesn't hold. */
export class TableDump {
  readonly #memory: DumpMemory;

  constructor(memory: DumpMemory) {
    this.#memory = memory;
  }

  has(table: number, lengthBytes = PAGE_BYTES): boolean {
    return this.#memory.has(table, lengthBytes);
  }

  /**
   * The words of a table, two to an entry.
   * @param what the table in words, for the message
   * @param into as long as the table; a page by default
   * @throws {WalkError} `ERR_WALK_TABLE_ABSENT`
   */
  load(table: number, what: string, into = new Uint32Array(PAGE_BYTES / 4)): Uint32Array {
    if (!this.has(table, into.byteLength)) {
      throw new WalkError(
        'ERR_WALK_TABLE_ABSENT',
        `the dump does not hold 0x${table.toString(16)}, the page of ${what}`,
      );
    }
    this.#memory.read(table, new Uint8Array(into.buffer));
    return into;
  }
}
