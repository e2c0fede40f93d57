import { PAGE_SIZE } from '../address.ts';
import type { MemorySpan } from '../memory/granule-source.ts';
import type { PhysMemory } from '../memory/phys-memory.ts';
import { ImageError } from './image-error.ts';

/** A stretch of physical memory whose bytes are part of a larger buffer; what the buffer lacks at the end is zeros. */
export interface ImagePiece extends MemorySpan {
  readonly bytes: Uint8Array;
  /** Where `start` is in `bytes`. */
  readonly offset: number;
  /** How many bytes `bytes` has from there; the rest of the piece is zeros. */
  readonly lengthBytes: number;
}

/**
 * A dump of memory, left where it was read. It knows which addresses it holds: an absent page is told apart from a page
 * of zeros, because a walk through absent page tables must fail and not find them empty.
 */
export class MemoryImage {
  readonly #pieces: readonly ImagePiece[];

  /** Pieces may come in any order and overlap (a kernel's text is in a core twice); the one that starts first counts. */
  constructor(pieces: readonly ImagePiece[]) {
    this.#pieces = disjoint(pieces);
  }

  /** What the image holds, ascending, neighbours joined. */
  get spans(): readonly MemorySpan[] {
    const spans: { start: number; end: number }[] = [];
    for (const { start, end } of this.#pieces) {
      const last = spans.at(-1);
      if (last !== undefined && last.end + 1 === start) last.end = end;
      else spans.push({ start, end });
    }
    return spans;
  }

  /** Whether the image holds every byte of the range. */
  has(at: number, lengthBytes: number): boolean {
    return this.#firstAbsent(at, lengthBytes) < 0;
  }

  /** @throws {ImageError} when the image does not hold it */
  load32(at: number): number {
    const word = new Uint8Array(4);
    this.read(at, word);
    return new DataView(word.buffer).getUint32(0, true);
  }

  /** @throws {ImageError} when the image does not hold the whole range; names what is absent */
  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    const absent = this.#firstAbsent(at, lengthBytes);
    if (absent >= 0) {
      throw new ImageError('ERR_IMAGE_ABSENT', 'is not in the image', absent, at + lengthBytes - 1);
    }
    for (let done = 0; done < lengthBytes; ) {
      const piece = this.#pieces[this.#indexOf(at + done)];
      const inside = at + done - piece.start;
      const count = Math.min(lengthBytes - done, piece.end - piece.start + 1 - inside);
      const stored = Math.max(0, Math.min(count, piece.lengthBytes - inside));
      into.set(piece.bytes.subarray(piece.offset + inside, piece.offset + inside + stored), offset + done);
      into.fill(0, offset + done + stored, offset + done + count);
      done += count;
    }
  }

  /** Writes all that the image holds into memory, leaving zeros uncommitted. */
  copyInto(memory: PhysMemory): void {
    for (const { start, end, bytes, offset, lengthBytes } of this.#pieces) {
      writeSparse(memory, start, bytes.subarray(offset, offset + lengthBytes));
      memory.fill(start + lengthBytes, end + 1 - start - lengthBytes);
    }
  }

  /** The first byte of the range that is absent, or -1. */
  #firstAbsent(at: number, lengthBytes: number): number {
    for (let next = at; next < at + lengthBytes; ) {
      const piece = this.#pieces[this.#indexOf(next)];
      if (piece === undefined || piece.start > next) return next;
      next = piece.end + 1;
    }
    return -1;
  }

  /** Index of the first piece that does not end below the address. */
  #indexOf(at: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#pieces[middle].end < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Writes bytes to memory; pages of zeros are cleared, which commits nothing where nothing was. */
export function writeSparse(memory: PhysMemory, at: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const count = Math.min(bytes.length - done, PAGE_SIZE - ((at + done) % PAGE_SIZE));
    if (isZero(bytes, done, done + count)) memory.fill(at + done, count);
    else memory.write(at + done, bytes, done, count);
    done += count;
  }
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}

function disjoint(pieces: readonly ImagePiece[]): ImagePiece[] {
  const result: ImagePiece[] = [];
  let free = 0;
  for (const piece of pieces.toSorted((a, b) => a.start - b.start)) {
    const cut = Math.max(0, free - piece.start);
    if (piece.start + cut > piece.end) continue;
    const lengthBytes = Math.max(0, piece.lengthBytes - cut);
    result.push({ ...piece, start: piece.start + cut, offset: piece.offset + cut, lengthBytes });
    free = piece.end + 1;
  }
  return result;
}
