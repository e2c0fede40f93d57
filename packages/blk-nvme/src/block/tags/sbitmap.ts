const WORD_SHIFT_MAX = 6;
/** As many full words as a small bitmap is spread over, so that processors do not meet in one (spec N22). */
const WORDS_WANTED = 4;

/**
 * The tag allocator (spec N22, N23): a bitmap in words, each with a second mask of bits that were freed and become
 * usable only when the word has no other bit left.
 */
export class Sbitmap {
  readonly depth: number;
  /** log2 of the bits in a word. */
  readonly shift: number;
  readonly words: number;
  /** 1 for each bit in use, or freed and not yet taken back. One byte a bit: a word has up to 64. */
  readonly #taken: Uint8Array;
  readonly #freed: Uint8Array;
  /** Lowest bit of each word that may be free: everything below it is taken. */
  readonly #firstFree: Int32Array;
  /** One a processor. */
  readonly #hints: Int32Array;

  /** `hints`: where each processor starts, at random in the kernel; one entry a processor. */
  constructor(depth: number, hints: readonly number[] = [0]) {
    this.depth = depth;
    let shift = WORD_SHIFT_MAX;
    // spec gap: N22 says "at least 4 words", which 8 bits a word would give 30 tags; it counts full words, as its own
    // example and the traces have it (4 bits, 8 words).
    if (depth >= WORDS_WANTED) while (WORDS_WANTED << shift > depth) shift--;
    this.shift = shift;
    this.words = Math.ceil(depth / 2 ** shift);
    this.#taken = new Uint8Array(depth);
    this.#freed = new Uint8Array(depth);
    this.#firstFree = Int32Array.from({ length: this.words }, (_, i) => i << shift);
    this.#hints = Int32Array.from(hints);
  }

  /** A tag, or -1 when all are taken. */
  get(cpu = 0): number {
    const hint = this.#hints[cpu];
    const first = hint >>> this.shift;
    for (let i = 0; i < this.words; i++) {
      const word = first + i < this.words ? first + i : first + i - this.words;
      const bit = this.#takeFrom(word);
      if (bit < 0) continue;
      if (bit === hint) this.#hints[cpu] = bit + 1 < this.depth ? bit + 1 : 0;
      return bit;
    }
    return -1;
  }

  /** Frees a tag, to be used again when its word is exhausted (spec N23). */
  put(tag: number, cpu = 0): void {
    this.#freed[tag] = 1;
    this.#hints[cpu] = tag;
  }

  /** Frees a tag at once, as a completion batch does (spec N23). */
  putNow(tag: number, cpu = 0): void {
    this.#taken[tag] = 0;
    const word = tag >>> this.shift;
    if (tag < this.#firstFree[word]) this.#firstFree[word] = tag;
    this.#hints[cpu] = tag;
  }

  #takeFrom(word: number): number {
    const bit = this.#lowest(word);
    if (bit >= 0) return bit;
    return this.#takeBack(word) ? this.#lowest(word) : -1;
  }

  #lowest(word: number): number {
    const end = Math.min((word + 1) << this.shift, this.depth);
    for (let bit = this.#firstFree[word]; bit < end; bit++) {
      if (this.#taken[bit] !== 0) continue;
      this.#taken[bit] = 1;
      this.#firstFree[word] = bit + 1;
      return bit;
    }
    this.#firstFree[word] = end;
    return -1;
  }

  /** Freed bits of an exhausted word become usable. */
  #takeBack(word: number): boolean {
    const start = word << this.shift;
    const end = Math.min(start + (1 << this.shift), this.depth);
    let lowest = -1;
    for (let bit = end - 1; bit >= start; bit--) {
      if (this.#freed[bit] === 0) continue;
      this.#freed[bit] = 0;
      this.#taken[bit] = 0;
      lowest = bit;
    }
    if (lowest < 0) return false;
    this.#firstFree[word] = lowest;
    return true;
  }
}
