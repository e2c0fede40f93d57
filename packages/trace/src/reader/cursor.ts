import type { StringTable } from '../log/string-table.ts';
import { decodeUtf8 } from '../log/utf8.ts';
import { CARRIAGE_RETURN, DASH, HEX_DIGIT, LOWER_X, NEWLINE, SPACE, ZERO } from './byte.ts';

const ALL_ONES_HEX = 'ffffffffffffffff';
const ALL_ONES_DECIMAL = '18446744073709551615';

/**
 * A place in the bytes and the few things that are read there. A number that isn't there reads as NaN and leaves the
 * cursor unspecified; nothing reads past the newline that ends the last line.
 */
export class Cursor {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  /** Set by a number that a double can't hold; reset by who cares. */
  inexact = false;
  /** String number that a name had when it was last read at that place of the grammar; the next is likely the same. */
  readonly guesses: Int32Array;

  /** @param places in the grammar where names are read */
  constructor(places: number) {
    this.guesses = new Int32Array(places).fill(-1);
  }

  /** The number of the name from here to `to`, which is read at that place of the grammar; the cursor moves there. */
  name(strings: StringTable, place: number, to: number): number {
    const number = strings.internBytes(this.bytes, this.at, to, this.guesses[place]!);
    this.guesses[place] = number;
    this.at = to;
    return number;
  }

  /** One past the name that stood at that place of the grammar last, when it is here again; else -1. */
  endOfGuess(strings: StringTable, place: number): number {
    const guess = this.guesses[place]!;
    return guess < 0 ? -1 : strings.endOfMatch(guess, this.bytes, this.at);
  }

  skipSpaces(): void {
    while (this.bytes[this.at] === SPACE) this.at++;
  }

  /** Steps over `length` bytes of `literals` from `start` on; false when other bytes are here. */
  literal(literals: Uint8Array, start: number, length: number): boolean {
    if (!this.hasLiteral(literals, start, length, this.at)) return false;
    this.at += length;
    return true;
  }

  /** Those bytes are at `at`. */
  hasLiteral(literals: Uint8Array, start: number, length: number, at: number): boolean {
    const { bytes } = this;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== literals[start + i]) return false;
    return true;
  }

  /** Steps over one byte; false when it is another. */
  byte(expected: number): boolean {
    if (this.bytes[this.at] !== expected) return false;
    this.at++;
    return true;
  }

  /** Lower-case hex digits, 1 to 16 of them. All-ones is -1. */
  hex(): number {
    const bytes = this.bytes;
    const from = this.at;
    let at = from;
    let value = 0;
    // Seven digits stay a small integer; a chain of double multiplications costs four times as much per digit.
    for (let digit = HEX_DIGIT[bytes[at]!]!; digit >= 0 && at < from + 7; digit = HEX_DIGIT[bytes[at]!]!) {
      value = (value << 4) | digit;
      at++;
    }
    this.at = at;
    if (at === from) return Number.NaN;
    return at < from + 7 ? value : this.#longHex(from, value);
  }

  /** `0x` and lower-case hex digits. */
  prefixedHex(): number {
    if (this.bytes[this.at] !== ZERO || this.bytes[this.at + 1] !== LOWER_X) return Number.NaN;
    this.at += 2;
    return this.hex();
  }

  /** `0x` and exactly 16 digits. */
  fixedHex(): number {
    const from = this.at;
    if (this.bytes[from] !== ZERO || this.bytes[from + 1] !== LOWER_X) return Number.NaN;
    this.at += 2;
    const high = this.word();
    const low = this.word();
    if (high < 0 || low < 0) return Number.NaN;
    return high < 0x200000 ? high * 0x100000000 + low : this.#judge(from + 2, high * 0x100000000 + low, ALL_ONES_HEX);
  }

  /** Exactly eight hex digits, as an unsigned 32-bit number; -1 when they aren't there. */
  word(): number {
    const { bytes, at } = this;
    let value = 0;
    let signs = 0;
    for (let i = 0; i < 8; i++) {
      const digit = HEX_DIGIT[bytes[at + i]!]!;
      signs |= digit;
      value = (value << 4) | digit;
    }
    this.at = at + 8;
    return signs < 0 ? -1 : value >>> 0;
  }

  /** Decimal digits, perhaps after a minus. All-ones is -1. */
  decimal(): number {
    const bytes = this.bytes;
    const isNegative = bytes[this.at] === DASH;
    const from = isNegative ? this.at + 1 : this.at;
    let at = from;
    let value = 0;
    for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9 && at < from + 9; digit = bytes[at]! - ZERO) {
      value = value * 10 + digit;
      at++;
    }
    this.at = at;
    if (at === from) return Number.NaN;
    if (at === from + 9) value = this.#longDecimal(from, value);
    return isNegative ? -value : value;
  }

  /** One past the last byte of the line's text: where the newline is, or the CR before it. */
  endOfLine(): number {
    const newline = this.bytes.indexOf(NEWLINE, this.at);
    return newline > this.at && this.bytes[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline;
  }

  /** Steps over the end of the line, LF or CR LF; false when there is something else here. */
  newline(): boolean {
    if (this.bytes[this.at] === CARRIAGE_RETURN) this.at++;
    return this.byte(NEWLINE);
  }

  text(from: number, to: number): string {
    return decodeUtf8(this.bytes, from, to);
  }

  #longHex(from: number, value: number): number {
    for (let digit = HEX_DIGIT[this.bytes[this.at]!]!; digit >= 0; digit = HEX_DIGIT[this.bytes[++this.at]!]!) {
      value = value * 16 + digit;
    }
    if (this.at - from > 16) return Number.NaN;
    return value <= Number.MAX_SAFE_INTEGER ? value : this.#judge(from, value, ALL_ONES_HEX);
  }

  #longDecimal(from: number, value: number): number {
    for (let digit = this.bytes[this.at]! - ZERO; digit >= 0 && digit <= 9; digit = this.bytes[++this.at]! - ZERO) {
      value = value * 10 + digit;
    }
    if (this.at - from > 20) return Number.NaN;
    return value <= Number.MAX_SAFE_INTEGER ? value : this.#judge(from, value, ALL_ONES_DECIMAL);
  }

  /** A number past 2^53: -1 for all-ones, else the nearest double and a mark that it may not be exact. */
  #judge(from: number, value: number, allOnes: string): number {
    if (this.text(from, this.at) === allOnes) return -1;
    this.inexact = true;
    return value;
  }
}
