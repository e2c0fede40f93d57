import { decodeUtf8, encodeUtf8 } from './utf8.ts';

/**
 * Strings that occur again and again (devices, task names, flags), each kept once and known by a small number.
 * Numbers count up from 0 in order of first appearance and never change.
 */
export class StringTable {
  readonly #texts: string[] = [];
  /** Open-addressed: string number + 1, or 0 for a free place. A power of two long and at most half full. */
  #places = new Int32Array(256);
  #hashes = new Int32Array(128);
  /** Bytes of string n are `#bytes[#starts[n], #starts[n + 1])`. */
  #starts = new Int32Array(129);
  #bytes = new Uint8Array(4096);

  /** Number of strings. */
  get length(): number {
    return this.#texts.length;
  }

  /** The string with that number; the empty string for -1, which stands for none. */
  get(number: number): string {
    return this.#texts[number] ?? '';
  }

  /** The number of `text`, or -1 when it never occurred. */
  find(text: string): number {
    return this.#texts.indexOf(text);
  }

  /** The number of `text`, a new one when it is new. */
  intern(text: string): number {
    const bytes = encodeUtf8(text);
    return this.internBytes(bytes, 0, bytes.length);
  }

  /**
   * The number of the string whose UTF-8 is `bytes[from, to)`, a new one when it is new.
   *
   * @param guess a number that is likely the answer; a right guess spares the hash
   */
  internBytes(bytes: Uint8Array, from: number, to: number, guess = -1): number {
    if (guess >= 0 && this.#holds(guess, bytes, from, to)) return guess;
    let hash = 0x811c9dc5 | 0; // FNV-1a, 32 bits
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    const mask = this.#places.length - 1;
    let place = (hash ^ (hash >>> 15)) & mask;
    for (let number = this.#places[place]! - 1; number >= 0; number = this.#places[place]! - 1) {
      if (this.#hashes[number] === hash && this.#holds(number, bytes, from, to)) return number;
      place = (place + 1) & mask;
    }
    return this.#add(hash, place, bytes, from, to);
  }

  /** One past the bytes at `at` that are string `number`, -1 when they are others. */
  endOfMatch(number: number, bytes: Uint8Array, at: number): number {
    const start = this.#starts[number]!;
    const length = this.#starts[number + 1]! - start;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== this.#bytes[start + i]) return -1;
    return at + length;
  }

  #holds(number: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[number]!;
    if (this.#starts[number + 1]! - start !== to - from) return false;
    for (let i = from; i < to; i++) if (this.#bytes[start + i - from] !== bytes[i]) return false;
    return true;
  }

  #add(hash: number, place: number, bytes: Uint8Array, from: number, to: number): number {
    const number = this.#texts.length;
    const start = this.#starts[number]!;
    const end = start + to - from;
    if (end > this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(2 * end));
    for (let i = from; i < to; i++) this.#bytes[start + i - from] = bytes[i]!;
    this.#texts.push(decodeUtf8(bytes, from, to));
    this.#hashes[number] = hash;
    this.#starts[number + 1] = end;
    this.#places[place] = number + 1;
    if (number + 1 === this.#hashes.length) this.#rehash();
    return number;
  }

  #rehash(): void {
    const capacity = this.#hashes.length * 2;
    this.#hashes = grown(this.#hashes, new Int32Array(capacity));
    this.#starts = grown(this.#starts, new Int32Array(capacity + 1));
    this.#places = new Int32Array(capacity * 2);
    const mask = this.#places.length - 1;
    for (let number = 0; number < this.#texts.length; number++) {
      const hash = this.#hashes[number]!;
      let place = (hash ^ (hash >>> 15)) & mask;
      while (this.#places[place] !== 0) place = (place + 1) & mask;
      this.#places[place] = number + 1;
    }
  }
}

function grown<T extends Uint8Array | Int32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
