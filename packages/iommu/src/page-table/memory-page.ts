import type { TableMemory } from './table-memory.ts';

const NO_WORDS = new Int32Array(0);

/**
 * One 4 KiB page of memory that is read and written over and over, such as a queue: by its words once memory has given
 * them out, else by plain loads and stores.
 */
export class MemoryPage {
  readonly #memory: TableMemory;
  #start = 0;
  #words: Int32Array = NO_WORDS;
  #base = 0;

  constructor(memory: TableMemory, start: number) {
    this.#memory = memory;
    this.#start = start;
  }

  /** Another page takes its place. */
  moveTo(start: number): void {
    if (start === this.#start) return;
    this.#start = start;
    this.#words = NO_WORDS;
  }

  /** 32 bits, unsigned; `offset` is a multiple of 4 in the page. */
  load32(offset: number): number {
    return this.#words === NO_WORDS ? this.#loadPlainly(offset) : this.#words[this.#base + (offset >>> 2)] >>> 0;
  }

  /** `value` modulo 2^32. */
  store32(offset: number, value: number): void {
    if (this.#words === NO_WORDS) this.#storePlainly(offset, value);
    else this.#words[this.#base + (offset >>> 2)] = value;
  }

  #loadPlainly(offset: number): number {
    this.#lookUp();
    return this.#memory.load32(this.#start + offset);
  }

  #storePlainly(offset: number, value: number): void {
    this.#memory.store32(this.#start + offset, value >>> 0);
    this.#lookUp();
  }

  /** Until someone wrote to the page there may be no words. */
  #lookUp(): void {
    this.#words = this.#memory.wordsOf?.(this.#start) ?? NO_WORDS;
    this.#base = this.#words === NO_WORDS ? 0 : (this.#memory.wordIndexOf?.(this.#start) ?? 0);
  }
}
