import type { TableMemory } from '../page-table/table-memory.ts';
import type { DumpMemory } from '../walk/table-dump.ts';

const PAGE_BYTES = 4096;

/** Memory of the first pages only, as memory and as a dump: whoever reads or writes outside it is wrong, and hears so. */
export class FewPages implements TableMemory, DumpMemory {
  /** Words that were read. */
  loads = 0;
  readonly #words: Uint32Array<ArrayBuffer>;

  constructor(pages: number) {
    this.#words = new Uint32Array((pages * PAGE_BYTES) / 4);
  }

  load32(at: number): number {
    this.loads++;
    this.#demand(at, 4, 'read');
    return this.#words[at / 4];
  }

  store32(at: number, value: number): void {
    this.#demand(at, 4, 'write');
    this.#words[at / 4] = value;
  }

  has(at: number, lengthBytes: number): boolean {
    return at >= 0 && at + lengthBytes <= this.#words.byteLength;
  }

  read(at: number, into: Uint8Array): void {
    this.#demand(at, into.length, 'read');
    into.set(new Uint8Array(this.#words.buffer, at, into.length));
  }

  #demand(at: number, lengthBytes: number, what: string): void {
    if (!this.has(at, lengthBytes)) throw new Error(`${what} outside memory: 0x${at.toString(16)}`);
  }
}
