import { decodeUtf8 } from '../log/utf8.ts';
import { TraceDatError } from './errors.ts';

/** Reads numbers and strings in the file's byte order, one after the other; past the end it throws. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  isBigEndian: boolean;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, at = 0, isBigEndian = false) {
    this.bytes = bytes;
    this.at = at;
    this.isBigEndian = isBigEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), !this.isBigEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), !this.isBigEndian);
  }

  /** 64 bits as the nearest double. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), !this.isBigEndian));
  }

  /** The next `length` bytes, not copied. */
  take(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  text(length: number): string {
    const at = this.#take(length);
    return decodeUtf8(this.bytes, at, at + length);
  }

  /** A string that ends with a NUL. */
  string(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw this.#truncated(this.bytes.length - this.at + 1);
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** Steps over `text`. */
  expect(text: string): void {
    const at = this.at;
    const found = this.text(text.length);
    if (found !== text) throw new TraceDatError('ERR_TRACE_DAT_FORMAT', at, `expected "${text}", found "${found}"`);
  }

  #take(length: number): number {
    const { at } = this;
    if (at + length > this.bytes.length) throw this.#truncated(length);
    this.at = at + length;
    return at;
  }

  #truncated(length: number): TraceDatError {
    const left = Math.max(0, this.bytes.length - this.at);
    return new TraceDatError('ERR_TRACE_DAT_TRUNCATED', this.at, `${length} bytes expected, ${left} left`);
  }
}
