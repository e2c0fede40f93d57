import { BLOCK_SHIFT, type Granule } from './granule.ts';

/** A local copy: an imported constant is loaded on every use, this one is folded into the code. */
const SHIFT = BLOCK_SHIFT;

/**
 * Moving bytes in and out of a granule, offsets inside it. A `copyWithin` costs about 30 ns before its first byte, so up
 * to this many bytes a loop over words is faster.
 */
const COPY_LOOP_BYTES = 32;
/** To and from other buffers the loop avoids the view that `set` needs, 140 bytes of garbage: it may take longer. */
const TRANSFER_LOOP_BYTES = 128;

/** A granule to a caller's buffer; an absent granule reads as zeros. */
export function readPiece(
  source: Granule | undefined,
  at: number,
  into: Uint8Array,
  offset: number,
  lengthBytes: number,
): void {
  if (source === undefined) into.fill(0, offset, offset + lengthBytes);
  else if (lengthBytes <= TRANSFER_LOOP_BYTES && (at & 3) === 0 && (lengthBytes & 3) === 0) {
    let index = source.wordBase + (at >>> 2);
    for (let o = offset; o < offset + lengthBytes; o += 4) {
      const word = source.words[index++];
      into[o] = word;
      into[o + 1] = word >>> 8;
      into[o + 2] = word >>> 16;
      into[o + 3] = word >>> 24;
    }
  } else {
    into.set(source.bytes.subarray(at, at + lengthBytes), offset);
  }
}

/** A caller's buffer to a granule. */
export function writePiece(target: Granule, at: number, from: Uint8Array, offset: number, lengthBytes: number): void {
  markTouched(target, at, lengthBytes);
  if (lengthBytes <= TRANSFER_LOOP_BYTES && (at & 3) === 0 && (lengthBytes & 3) === 0) {
    let index = target.wordBase + (at >>> 2);
    for (let o = offset; o < offset + lengthBytes; o += 4) {
      target.words[index++] = from[o] | (from[o + 1] << 8) | (from[o + 2] << 16) | (from[o + 3] << 24);
    }
  } else {
    const whole = offset === 0 && lengthBytes === from.length; // the view that `subarray` makes is garbage
    target.bytes.set(whole ? from : from.subarray(offset, offset + lengthBytes), at);
  }
}

/** Every byte of a piece of a granule. */
export function fillPiece(target: Granule, at: number, lengthBytes: number, byte: number): void {
  markTouched(target, at, lengthBytes);
  target.bytes.fill(byte, at, at + lengthBytes);
}

/**
 * From granule to granule, as if through a temporary buffer. Word indices where all is aligned: in an arena above 2 GiB
 * byte indices would no longer be small integers and be boxed, 48 bytes of garbage a call.
 */
export function copyPiece(target: Granule, to: number, source: Granule, from: number, lengthBytes: number): void {
  markTouched(target, to, lengthBytes);
  if (((to | from | lengthBytes) & 3) !== 0) {
    copyBytes(target, to, source, from, lengthBytes);
    return;
  }
  const toWord = target.wordBase + (to >>> 2);
  const fromWord = source.wordBase + (from >>> 2);
  const count = lengthBytes >>> 2;
  if (count > COPY_LOOP_BYTES / 4) copyManyWords(target, toWord, source, fromWord, count);
  else copyFewWords(target.words, toWord, source.words, fromWord, count);
}

function copyFewWords(target: Int32Array, to: number, source: Int32Array, from: number, count: number): void {
  if (to <= from) for (let i = 0; i < count; i++) target[to + i] = source[from + i];
  else for (let i = count - 1; i >= 0; i--) target[to + i] = source[from + i];
}

function copyManyWords(target: Granule, to: number, source: Granule, from: number, count: number): void {
  if (target.words === source.words) target.words.copyWithin(to, from, from + count);
  else target.words.set(source.words.subarray(from, from + count), to);
}

function copyBytes(target: Granule, to: number, source: Granule, from: number, lengthBytes: number): void {
  if (target === source) target.bytes.copyWithin(to, from, from + lengthBytes);
  else target.bytes.set(source.bytes.subarray(from, from + lengthBytes), to);
}

/** Whether every byte is zero. Whole words only: offset and length are multiples of 4. */
export function isZeroPiece(source: Granule, at: number, lengthBytes: number): boolean {
  const words = source.words;
  const end = source.wordBase + ((at + lengthBytes) >>> 2);
  for (let index = source.wordBase + (at >>> 2); index < end; index++) if (words[index] !== 0) return false;
  return true;
}

/** Sets the bits of all blocks from the first byte to the last. */
function markTouched(target: Granule, at: number, lengthBytes: number): void {
  const first = at >>> SHIFT;
  const last = (at + lengthBytes - 1) >>> SHIFT;
  target.touched |= (2 << last) - (1 << first);
}
