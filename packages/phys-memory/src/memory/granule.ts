/**
 * Memory is committed in granules of 64 MiB. A granule is a window of a backing buffer: its own, or a part of an arena
 * that several granules share so that a copy between them is one `copyWithin`.
 */
export const GRANULE_SHIFT = 26;
export const GRANULE_SIZE = 2 ** GRANULE_SHIFT;
export const GRANULE_WORDS = GRANULE_SIZE / 4;
export const GRANULE_MASK = GRANULE_SIZE - 1;
/** A power of two: the product is exact, and costs less than a division. */
export const GRANULES_PER_BYTE = 2 ** -GRANULE_SHIFT;

/**
 * The most that one arena holds: 8 GiB is 2^31 words, the last size whose word index is a small integer, which is why
 * granules keep a base in words. Byte indices past 2^32 cost 28 ns where a word index costs 3 ns.
 */
export const ARENA_BYTES = 2 ** 33;

/** log2 of the block whose first write is remembered: 16 to a granule, one bit each. */
export const BLOCK_SHIFT = 22;

export class Granule {
  /** Its address divided by 64 MiB. */
  readonly number: number = 0;
  /** The whole buffer: granules of an arena share this object, which is how a copy knows them. */
  readonly words: Int32Array;
  /** Index in `words` of the first word of this granule. */
  readonly wordBase: number = 0;
  /** The bytes of this granule alone: offsets in it stay small integers, which are never boxed. */
  readonly bytes: Uint8Array;
  /** Bit `n` is set once anything was written to block `n`. 16 bits stay a small integer in every engine. */
  touched = 0;

  constructor(number: number, words: Int32Array, wordBase: number) {
    this.number = number;
    this.words = words;
    this.wordBase = wordBase;
    this.bytes = new Uint8Array(words.buffer, wordBase * 4, Math.min(GRANULE_SIZE, words.byteLength));
  }
}
