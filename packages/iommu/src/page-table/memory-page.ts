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

  /** The same 32 bits, signed: a small integer, whatever the word. */
  loadSigned32(offset: number): number {
    return this.#words === NO_WORDS ? this.#loadPlainly(offset) | 0 : this.#words[this.#base + (offset >>> 2)];
  }

  /** Four words in a row, each modulo 2^32. */
  store128(offset: number, word0: number, word1: number, word2: number, word3: number): void {
    const words = this.#words;
    const at = this.#base + (offset >>> 2);
    if (words === NO_WORDS) {
      this.store32(offset, word0);
      this.store32(offset + 4, word1);
      this.store32(offset + 8, word2);
      this.store32(offset + 12, word3);
      return;
    }
    words[at] = word0;
    words[at + 1] = word1;
    words[at + 2] = word2;
    words[at + 3] = word3;
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
