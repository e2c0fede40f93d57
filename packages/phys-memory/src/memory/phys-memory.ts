import { ADDRESS_LIMIT, PAGE_SIZE } from '../address.ts';
import type { ByteAccess } from './byte-access.ts';
import { BLOCK_SHIFT, GRANULE_MASK, GRANULE_SIZE, GRANULES_PER_BYTE, type Granule } from './granule.ts';
import { copyWithinOrAcross, fillPiece, isZeroPiece, readPiece, writePiece } from './granule-copy.ts';
import { GranuleSource, GranuleTable, type MemorySpan } from './granule-source.ts';
import { MemoryRangeError } from './memory-range-error.ts';

const BLOCK_SIZE = 2 ** BLOCK_SHIFT;

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
  /** `#table.near`, read on every access. A negative or fractional address finds nothing in it and takes the slow way. */
  readonly #near: (Granule | undefined)[] = this.#table.near;

  constructor(options: PhysMemoryOptions = {}) {
    this.#source = new GranuleSource(options.spans ?? []);
  }

  load8(at: number): number {
    const granule = this.#near[Math.floor(at * GRANULES_PER_BYTE)] ?? this.#find(at, 1);
    if (granule === undefined) return 0;
    const offset = at & GRANULE_MASK;
    return (granule.words[granule.wordBase + (offset >>> 2)] >>> ((offset & 3) << 3)) & 0xff;
  }

  store8(at: number, value: number): void {
    const granule = this.#near[Math.floor(at * GRANULES_PER_BYTE)] ?? this.#commit(at, 1);
    const offset = at & GRANULE_MASK;
    const index = granule.wordBase + (offset >>> 2);
    const shift = (offset & 3) << 3;
    granule.touched |= 1 << (offset >>> BLOCK_SHIFT);
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
    const granule = this.#near[Math.floor(at * GRANULES_PER_BYTE)] ?? this.#find(at, 4);
    if (granule === undefined) return 0;
    return granule.words[granule.wordBase + ((at & GRANULE_MASK) >>> 2)] >>> 0;
  }

  store32(at: number, value: number): void {
    if ((at & 3) !== 0) {
      this.store16(at, value);
      this.store16(at + 2, value >>> 16);
      return;
    }
    const granule = this.#near[Math.floor(at * GRANULES_PER_BYTE)] ?? this.#commit(at, 4);
    const offset = at & GRANULE_MASK;
    granule.touched |= 1 << (offset >>> BLOCK_SHIFT);
    granule.words[granule.wordBase + (offset >>> 2)] = value;
  }

  /** 64 bits as two halves. A reader never sees one half new and the other old: the model has one thread. */
  store64(at: number, low: number, high: number): void {
    if ((at & 7) !== 0) {
      this.store32(at, low);
      this.store32(at + 4, high);
      return;
    }
    const granule = this.#near[Math.floor(at * GRANULES_PER_BYTE)] ?? this.#commit(at, 8);
    const offset = at & GRANULE_MASK;
    const index = granule.wordBase + (offset >>> 2);
    granule.touched |= 1 << (offset >>> BLOCK_SHIFT);
    granule.words[index] = low;
    granule.words[index + 1] = high;
  }

  /** Memory to a caller's buffer. */
  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    checkBuffer(into, offset, lengthBytes);
    let done = 0;
    while (done < lengthBytes) {
      const piece = Math.min(lengthBytes - done, toBorder(at + done));
      const granule = this.#near[Math.floor((at + done) * GRANULES_PER_BYTE)] ?? this.#find(at + done, piece);
      readPiece(granule, (at + done) & GRANULE_MASK, into, offset + done, piece);
      done += piece;
    }
  }

  /** A caller's buffer to memory. */
  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    checkBuffer(from, offset, lengthBytes);
    let done = 0;
    while (done < lengthBytes) {
      const piece = Math.min(lengthBytes - done, toBorder(at + done));
      const granule = this.#near[Math.floor((at + done) * GRANULES_PER_BYTE)] ?? this.#commit(at + done, piece);
      writePiece(granule, (at + done) & GRANULE_MASK, from, offset + done, piece);
      done += piece;
    }
  }

  /** Memory to memory, as if through a temporary buffer where the ranges overlap. */
  copy(to: number, from: number, lengthBytes: number): void {
    if (lengthBytes <= toBorder(to) && lengthBytes <= toBorder(from)) this.#copyPiece(to, from, lengthBytes);
    else if (to <= from || to >= from + lengthBytes) this.#copyForwards(to, from, lengthBytes);
    else this.#copyBackwards(to, from, lengthBytes);
  }

  /** Sets every byte of the range. Filling with zeros commits nothing. */
  fill(at: number, lengthBytes: number, byte = 0): void {
    checkLength(at, lengthBytes);
    let done = 0;
    while (done < lengthBytes) {
      const piece = Math.min(lengthBytes - done, toBorder(at + done));
      const granule = (byte & 0xff) === 0 ? this.#find(at + done, piece) : this.#commit(at + done, piece);
      if (granule !== undefined) fillPiece(granule, (at + done) & GRANULE_MASK, piece, byte & 0xff);
      done += piece;
    }
  }

  /** Whether the page holds nothing but zeros; such pages are left out of images. `at` is a multiple of 4096. */
  isZeroPage(at: number): boolean {
    const granule = this.#find(at, PAGE_SIZE);
    return granule === undefined || isZeroPiece(granule, at & GRANULE_MASK, PAGE_SIZE);
  }

  /** The blocks of 4 MiB that were ever written, ascending: all that a dump has to look at. */
  touched(): MemorySpan[] {
    const blocks: MemorySpan[] = [];
    for (const number of this.#table.numbers()) {
      const touched = this.#table.find(number)?.touched ?? 0;
      for (let start = 0; start < GRANULE_SIZE; start += BLOCK_SIZE) {
        if ((touched & (1 << (start >>> BLOCK_SHIFT))) === 0) continue;
        blocks.push({ start: number * GRANULE_SIZE + start, end: number * GRANULE_SIZE + start + BLOCK_SIZE - 1 });
      }
    }
    return blocks;
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
    if (lengthBytes <= 0) {
      checkLength(to, lengthBytes);
      return;
    }
    const source = this.#near[Math.floor(from * GRANULES_PER_BYTE)] ?? this.#find(from, lengthBytes);
    if (source === undefined) {
      this.fill(to, lengthBytes);
      return;
    }
    const target = this.#near[Math.floor(to * GRANULES_PER_BYTE)] ?? this.#commit(to, lengthBytes);
    copyWithinOrAcross(target, to & GRANULE_MASK, source, from & GRANULE_MASK, lengthBytes);
  }

  #find(at: number, lengthBytes: number): Granule | undefined {
    checkRange(at, lengthBytes);
    return this.#table.find(Math.floor(at * GRANULES_PER_BYTE));
  }

  #commit(at: number, lengthBytes: number): Granule {
    checkRange(at, lengthBytes);
    const number = Math.floor(at * GRANULES_PER_BYTE);
    const found = this.#table.find(number);
    if (found !== undefined) return found;
    const granule = this.#source.commit(number);
    this.#table.insert(number, granule);
    return granule;
  }
}

/** Bytes from an address to the next granule border. */
function toBorder(at: number): number {
  return GRANULE_SIZE - (at & GRANULE_MASK);
}

/** Bytes from the last granule border to the end of a range that stops before `end`. */
function fromBorder(end: number): number {
  return ((end - 1) & GRANULE_MASK) + 1;
}

function checkRange(at: number, lengthBytes: number): void {
  if (!(Number.isInteger(at) && at >= 0 && at + lengthBytes <= ADDRESS_LIMIT))
    throw new MemoryRangeError(at, lengthBytes);
}

function checkLength(at: number, lengthBytes: number): void {
  if (!(lengthBytes >= 0)) throw new MemoryRangeError(at, lengthBytes);
}

function checkBuffer(buffer: Uint8Array, offset: number, lengthBytes: number): void {
  if (offset >= 0 && lengthBytes >= 0 && offset + lengthBytes <= buffer.length) return;
  throw new RangeError(`bytes ${offset} to ${offset + lengthBytes} are not inside a buffer of ${buffer.length}`);
}
