import { WalkError } from './walk-error.ts';

/** A memory image that knows which of its bytes it holds. `MemoryImage` of @dmalab/phys-memory is one. */
export interface DumpMemory {
  has(at: number, lengthBytes: number): boolean;
  read(at: number, into: Uint8Array): void;
}

const PAGE_BYTES = 4096;

/** Reads tables out of a dump, a page at a time, and never anything that the dump doesn't hold. */
export class TableDump {
  readonly #memory: DumpMemory;

  constructor(memory: DumpMemory) {
    this.#memory = memory;
  }

  has(page: number): boolean {
    return this.#memory.has(page, PAGE_BYTES);
  }

  /**
   * The words of a table page, two to an entry.
   * @param what the table in words, for the message
   * @throws {WalkError} `ERR_WALK_TABLE_ABSENT`
   */
  load(page: number, what: string, into = new Uint32Array(PAGE_BYTES / 4)): Uint32Array {
    if (!this.has(page)) {
      throw new WalkError(
        'ERR_WALK_TABLE_ABSENT',
        `the dump does not hold 0x${page.toString(16)}, the page of ${what}`,
      );
    }
    this.#memory.read(page, new Uint8Array(into.buffer));
    return into;
  }
}
