import { ADDRESS_LIMIT, PAGE_SIZE } from '../address.ts';
import type { ByteAccess } from './byte-access.ts';
import { BLOCK_SHIFT, GRANULE_MASK, GRANULE_SIZE, GRANULES_PER_BYTE, type Granule } from './granule.ts';
import { copyPiece, fillPiece, isZeroPiece, readPiece, writePiece } from './granule-copy.ts';
import { GranuleSource, type MemorySpan } from './granule-source.ts';
import { GranuleTable, SLOT_MASK } from './granule-table.ts';
import { MemoryRangeError } from './memory-range-error.ts';

const BLOCK_SIZE = 2 ** BLOCK_SHIFT;

// Local copies: V8 folds a constant of this module into the code, but loads an imported one on every access. A 32-bit
// load takes 5.3 ns with these and 8.0 ns with the imports.
const MASK = GRANULE_MASK;
const BORDER = GRANULE_SIZE;
const PER_BYTE = GRANULES_PER_BYTE;
const SLOTS = SLOT_MASK;
const SHIFT = BLOCK_SHIFT;
const LIMIT = ADDRESS_LIMIT;

export interface PhysMemoryOptions {
  /**
   * Where RAM is. Up to 8 GiB of it share one buffer, so that a DMA from RAM to RAM is one `copyWithin`. Memory works
   * everywhere without being told; this only makes it faster.
   */
  readonly spans?: readonly MemorySpan[];
}

/**
 * The bytes of simulated memory: up to 52 address bits, zero until written, at a cost that follows what was touched.
 * Addresses are plain numbers here (the innermost layer); callers at the edge hold `PhysAddr`.
 */
export class PhysMemory implements ByteAccess {
  readonly #source: GranuleSource;
  readonly #table = new GranuleTable();
  readonly #slots: readonly Granule[] = this.#table.slots;

  constructor(options: PhysMemoryOptions = {}) {
    this.#source = new GranuleSource(options.spans ?? []);
  }

  load8(at: number): number {
    const granule = this.#find(at, 1);
    if (granule === undefined) return 0;
    const offset = at & MASK;
    return (granule.words[granule.wordBase + (offset >>> 2)] >>> ((offset & 3) << 3)) & 0xff;
  }

  store8(at: number, value: number): void {
    const granule = this.#commit(at, 1);
    const offset = at & MASK;
    const index = granule.wordBase + (offset >>> 2);
    const shift = (offset & 3) << 3;
    granule.touched |= 1 << (offset >>> SHIFT);
    granule.words[index] = (granule.words[index] & ~(0xff << shift)) | ((value & 0xff) << shift);
  }

  /** 16 bits little endian, at any address. */
  load16(at: number): number {
    return this.load8(at) | (this.load8(at + 1) << 8);
  }

  store16(at: number, value: number): void {
    this.store8(at, value);
    this.store8(at + 1, value >>> 8);
  }

  /** 32 bits little endian, unsigned, at any address; one word access where it is a multiple of 4. */
  load32(at: number): number {
    if ((at & 3) !== 0) return (this.load16(at) | (this.load16(at + 2) << 16)) >>> 0;
    const granule = this.#find(at, 4);
    if (granule === undefined) return 0;
    return granule.words[granule.wordBase + ((at & MASK) >>> 2)] >>> 0;
  }

  store32(at: number, value: number): void {
    if ((at & 3) !== 0) {
      this.store16(at, value);
      this.store16(at + 2, value >>> 16);
      return;
    }
    const granule = this.#commit(at, 4);
    const offset = at & MASK;
    granule.touched |= 1 << (offset >>> SHIFT);
    granule.words[granule.wordBase + (offset >>> 2)] = value;
  }

  /** 64 bits as two halves. A reader never sees one half new and the other old: the model has one thread. */
  store64(at: number, low: number, high: number): void {
    if ((at & 7) !== 0) {
      this.store32(at, low);
      this.store32(at + 4, high);
      return;
    }
    const granule = this.#commit(at, 8);
    const offset = at & MASK;
    const index = granule.wordBase + (offset >>> 2);
    granule.touched |= 1 << (offset >>> SHIFT);
    granule.words[index] = low;
    granule.words[index + 1] = high;
  }

  /**
   * A buffer that holds the word at `at`, a multiple of 4, at {@link wordIndexOf}, and with it the rest of its 4 KiB page:
   * for whoever reads or writes one page over and over (0.5 ns a word instead of 5). It stays good as long as the memory.
   * Undefined where nothing was written to the 4 MiB around, so that no store through it can make an untouched block
   * non-zero behind the back of {@link touched}.
   */
  wordsOf(at: number): Int32Array | undefined {
    const granule = this.#find(at, 4);
    if (granule === undefined || (granule.touched & (1 << ((at & MASK) >>> SHIFT))) === 0) return undefined;
    return granule.words;
  }

  /** Index of the word at `at` in {@link wordsOf}. Meaningless where that is undefined. */
  wordIndexOf(at: number): number {
    return (this.#find(at, 4)?.wordBase ?? 0) + ((at & MASK) >>> 2);
  }

  /** Memory to a caller's buffer. */
  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    checkBuffer(into, offset, lengthBytes);
    let done = 0;
    while (done < lengthBytes) {
      const piece = Math.min(lengthBytes - done, toBorder(at + done));
      const granule = this.#find(at + done, piece);
      readPiece(granule, (at + done) & MASK, into, offset + done, piece);
      done += piece;
    }
  }

  /** A caller's buffer to memory. */
  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    checkBuffer(from, offset, lengthBytes);
    let done = 0;
    while (done < lengthBytes) {
      const piece = Math.min(lengthBytes - done, toBorder(at + done));
      const granule = this.#commit(at + done, piece);
      writePiece(granule, (at + done) & MASK, from, offset + done, piece);
      done += piece;
    }
  }

  /** Memory to memory, as if through a temporary buffer where the ranges overlap. */
  copy(to: number, from: number, lengthBytes: number): void {
    const isInside = lengthBytes > 0 && lengthBytes <= toBorder(to) && lengthBytes <= toBorder(from);
    if (isInside) this.#copyPiece(to, from, lengthBytes);
    else this.#copyPieces(to, from, lengthBytes);
  }

  /** Sets every byte of the range. Filling with zeros commits nothing. */
  fill(at: number, lengthBytes: number, byte = 0): void {
    checkLength(at, lengthBytes);
    let done = 0;
    while (done < lengthBytes) {
      const piece = Math.min(lengthBytes - done, toBorder(at + done));
      const granule = (byte & 0xff) === 0 ? this.#find(at + done, piece) : this.#commit(at + done, piece);
      if (granule !== undefined) fillPiece(granule, (at + done) & MASK, piece, byte & 0xff);
      done += piece;
    }
  }

  /** Whether the page holds nothing but zeros; such pages are left out of images. `at` is a multiple of 4096. */
  isZeroPage(at: number): boolean {
    const granule = this.#find(at, PAGE_SIZE);
    return granule === undefined || isZeroPiece(granule, at & MASK, PAGE_SIZE);
  }

  /** The blocks of 4 MiB that were ever written, ascending: all that a dump has to look at. */
  touched(): MemorySpan[] {
    const blocks: MemorySpan[] = [];
    for (const { number, touched } of this.#table.all()) {
      for (let start = 0; start < GRANULE_SIZE; start += BLOCK_SIZE) {
        if ((touched & (1 << (start >>> SHIFT))) === 0) continue;
        blocks.push({ start: number * GRANULE_SIZE + start, end: number * GRANULE_SIZE + start + BLOCK_SIZE - 1 });
      }
    }
    return blocks;
  }

  #copyPieces(to: number, from: number, lengthBytes: number): void {
    checkLength(to, lengthBytes);
    if (to <= from || to >= from + lengthBytes) this.#copyForwards(to, from, lengthBytes);
    else this.#copyBackwards(to, from, lengthBytes);
  }

  #copyForwards(to: number, from: number, lengthBytes: number): void {
    let done = 0;
    while (done < lengthBytes) {
      const piece = Math.min(lengthBytes - done, toBorder(to + done), toBorder(from + done));
      this.#copyPiece(to + done, from + done, piece);
      done += piece;
    }
  }

  /** The ranges overlap and the target lies above: last piece first, or a piece would overwrite its successor's source. */
  #copyBackwards(to: number, from: number, lengthBytes: number): void {
    let left = lengthBytes;
    while (left > 0) {
      const piece = Math.min(left, fromBorder(to + left), fromBorder(from + left));
      left -= piece;
      this.#copyPiece(to + left, from + left, piece);
    }
  }

  /** Neither range crosses a granule border. */
  #copyPiece(to: number, from: number, lengthBytes: number): void {
    const source = this.#find(from, lengthBytes);
    if (source === undefined) this.fill(to, lengthBytes);
    else copyPiece(this.#commit(to, lengthBytes), to & MASK, source, from & MASK, lengthBytes);
  }

  /** The granule of a range that does not cross a border; undefined when nothing was ever written to it. */
  #find(at: number, lengthBytes: number): Granule | undefined {
    const number = (at * PER_BYTE) | 0;
    const granule = this.#slots[number & SLOTS];
    if (granule.number === number && at >= 0 && at <= LIMIT - lengthBytes) return granule;
    checkRange(at, lengthBytes);
    return this.#table.find(number);
  }

  /** The same for a write: makes the granule when there is none. */
  #commit(at: number, lengthBytes: number): Granule {
    const number = (at * PER_BYTE) | 0;
    const granule = this.#slots[number & SLOTS];
    if (granule.number === number && at >= 0 && at <= LIMIT - lengthBytes) return granule;
    return this.#commitSlowly(at, lengthBytes, number);
  }

  #commitSlowly(at: number, lengthBytes: number, number: number): Granule {
    checkRange(at, lengthBytes);
    const found = this.#table.find(number);
    if (found !== undefined) return found;
    const granule = this.#source.commit(number);
    this.#table.insert(granule);
    return granule;
  }
}

/** Bytes from an address to the next granule border. */
function toBorder(at: number): number {
  return BORDER - (at & MASK);
}

/** Bytes from the last granule border to the end of a range that stops before `end`. */
function fromBorder(end: number): number {
  return ((end - 1) & MASK) + 1;
}

function checkRange(at: number, lengthBytes: number): void {
  if (!(Number.isInteger(at) && at >= 0 && at + lengthBytes <= LIMIT)) throw new MemoryRangeError(at, lengthBytes);
}

function checkLength(at: number, lengthBytes: number): void {
  if (!(lengthBytes >= 0)) throw new MemoryRangeError(at, lengthBytes);
}

function checkBuffer(buffer: Uint8Array, offset: number, lengthBytes: number): void {
  if (offset >= 0 && lengthBytes >= 0 && offset + lengthBytes <= buffer.length) return;
  throw new RangeError(`bytes ${offset} to ${offset + lengthBytes} are not inside a buffer of ${buffer.length}`);
}
