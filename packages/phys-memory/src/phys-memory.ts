import { ADDRESS_LIMIT } from './address.ts';

/** log2 of the chunk that memory is committed in. */
const CHUNK_SHIFT = 26;
const CHUNK_SIZE = 2 ** CHUNK_SHIFT;

/**
 * The bytes of simulated memory: sparse, zero until written, at a cost that follows what was touched.
 * Addresses are plain numbers here (the innermost layer); callers at the edge hold `PhysAddr`.
 */
export class PhysMemory {
  readonly #chunks = new Map<number, Uint8Array>();

  load8(at: number): number {
    return this.#chunk(at)[at % CHUNK_SIZE];
  }

  store8(at: number, value: number): void {
    this.#chunk(at)[at % CHUNK_SIZE] = value;
  }

  /** 32 bits little endian, unsigned. `at` is a multiple of 4. */
  load32(at: number): number {
    const chunk = this.#chunk(at);
    const o = at % CHUNK_SIZE;
    return (chunk[o] | (chunk[o + 1] << 8) | (chunk[o + 2] << 16) | (chunk[o + 3] << 24)) >>> 0;
  }

  store32(at: number, value: number): void {
    const chunk = this.#chunk(at);
    const o = at % CHUNK_SIZE;
    chunk[o] = value;
    chunk[o + 1] = value >>> 8;
    chunk[o + 2] = value >>> 16;
    chunk[o + 3] = value >>> 24;
  }

  /** Memory to a caller's buffer. */
  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    for (let i = 0; i < lengthBytes; i++) into[offset + i] = this.load8(at + i);
  }

  /** A caller's buffer to memory. */
  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    for (let i = 0; i < lengthBytes; i++) this.store8(at + i, from[offset + i]);
  }

  /** Memory to memory, as if through a temporary buffer where the ranges overlap. */
  copy(to: number, from: number, lengthBytes: number): void {
    const bytes = new Uint8Array(lengthBytes);
    this.read(from, bytes);
    this.write(to, bytes);
  }

  fill(at: number, lengthBytes: number, byte = 0): void {
    for (let i = 0; i < lengthBytes; i++) this.store8(at + i, byte);
  }

  #chunk(at: number): Uint8Array {
    if (!(at >= 0 && at < ADDRESS_LIMIT)) throw new RangeError(`physical address ${at} is outside the model`);
    const index = Math.floor(at / CHUNK_SIZE);
    let chunk = this.#chunks.get(index);
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK_SIZE);
      this.#chunks.set(index, chunk);
    }
    return chunk;
  }
}
