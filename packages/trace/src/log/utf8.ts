/**
 * UTF-8 by hand: core packages know neither TextDecoder (DOM) nor Buffer (Node), and a task name may hold any bytes.
 * A byte that is no part of well-formed UTF-8 travels as the lone surrogate U+DC00 + byte, so that text goes back to
 * the very bytes it came from.
 */

const ESCAPE = 0xdc00;

/** Text of `bytes[from, to)`. */
export function decodeUtf8(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; ) {
    const length = sequenceLength(bytes, at, to);
    text += length === 1 ? oneByte(bytes[at]!) : String.fromCodePoint(codePoint(bytes, at, length));
    at += length;
  }
  return text;
}

/** Bytes of `text`; the reverse of {@link decodeUtf8}. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let at = 0;
  for (const character of text) at = putCodePoint(bytes, at, character.codePointAt(0)!);
  return bytes.slice(0, at);
}

function oneByte(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : ESCAPE + byte);
}

/** Bytes of the well-formed sequence at `at`, or 1 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number, to: number): number {
  const lead = bytes[at]!;
  const length = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
  if (length === 1 || at + length > to) return 1;
  for (let i = 1; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 1;
  const point = codePoint(bytes, at, length);
  const isOverlong = point < (length === 3 ? 0x800 : length === 4 ? 0x10000 : 0);
  const isSurrogate = point >= 0xd800 && point < 0xe000;
  return isOverlong || isSurrogate || point > 0x10ffff ? 1 : length;
}

function codePoint(bytes: Uint8Array, at: number, length: number): number {
  let point = bytes[at]! & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) point = (point << 6) | (bytes[at + i]! & 0x3f);
  return point;
}

function putCodePoint(bytes: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    bytes[at] = point;
    return at + 1;
  }
  if (point >= ESCAPE + 0x80 && point <= ESCAPE + 0xff) {
    bytes[at] = point - ESCAPE;
    return at + 1;
  }
  const extra = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  bytes[at] = ((0xff00 >> (extra + 1)) & 0xff) | (point >> (6 * extra));
  for (let i = 1; i <= extra; i++) bytes[at + i] = 0x80 | ((point >> (6 * (extra - i))) & 0x3f);
  return at + extra + 1;
}
