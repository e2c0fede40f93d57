import type { ByteAccess } from '../memory/byte-access.ts';

/** A line that is in the cache: its bytes may differ from memory only while it is dirty. */
interface Line {
  readonly bytes: Uint8Array;
  isDirty: boolean;
}

/**
 * The CPU's cache in front of memory (spec P71): what a CPU of a non-coherent machine sees. A device uses the memory
 * itself. Lines come and go only when something here says so: a load, a store, maintenance, or a test that evicts or
 * prefetches, which a real machine may do at any moment.
 */
export class CpuCache implements ByteAccess {
  readonly lineBytes: number;
  readonly #memory: ByteAccess;
  readonly #lines = new Map<number, Line>();

  /** @param lineBytes a power of two; 64 unless told otherwise */
  constructor(memory: ByteAccess, lineBytes = 64) {
    if (!(lineBytes >= 4 && Number.isInteger(Math.log2(lineBytes)))) {
      throw new RangeError(`a cache line is a power of two, not ${lineBytes} bytes`);
    }
    this.#memory = memory;
    this.lineBytes = lineBytes;
  }

  load8(at: number): number {
    return this.#filled(this.#startOf(at)).bytes[at % this.lineBytes];
  }

  load16(at: number): number {
    return this.load8(at) | (this.load8(at + 1) << 8);
  }

  load32(at: number): number {
    return (this.load16(at) | (this.load16(at + 2) << 16)) >>> 0;
  }

  store8(at: number, value: number): void {
    const line = this.#filled(this.#startOf(at));
    line.bytes[at % this.lineBytes] = value;
    line.isDirty = true;
  }

  store16(at: number, value: number): void {
    this.store8(at, value);
    this.store8(at + 1, value >>> 8);
  }

  store32(at: number, value: number): void {
    this.store16(at, value);
    this.store16(at + 2, value >>> 16);
  }

  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    for (let i = 0; i < lengthBytes; i++) into[offset + i] = this.load8(at + i);
  }

  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    for (let i = 0; i < lengthBytes; i++) this.store8(at + i, from[offset + i]);
  }

  /** Brings a line in, as the CPU may at any moment. */
  prefetch(at: number): void {
    this.#filled(this.#startOf(at));
  }

  /** Throws a line out, as the cache may at any moment: a dirty one is written to memory whole. */
  evict(at: number): void {
    const start = this.#startOf(at);
    this.#writeBack(start);
    this.#lines.delete(start);
  }

  /** Every touched line, if dirty, is written back and becomes clean (spec P72). */
  clean(at: number, lengthBytes: number): void {
    for (let start = this.#startOf(at); start < at + lengthBytes; start += this.lineBytes) this.#writeBack(start);
  }

  /**
   * Lines fully inside are dropped without being written; a line only partly inside is written back first (spec P72):
   * the other part belongs to somebody.
   */
  invalidate(at: number, lengthBytes: number): void {
    for (let start = this.#startOf(at); start < at + lengthBytes; start += this.lineBytes) {
      if (start < at || start + this.lineBytes > at + lengthBytes) this.#writeBack(start);
      this.#lines.delete(start);
    }
  }

  /** Clean, then invalidate. */
  flush(at: number, lengthBytes: number): void {
    this.clean(at, lengthBytes);
    this.invalidate(at, lengthBytes);
  }

  /** The line of an address as it is in the cache. */
  stateOf(at: number): 'absent' | 'clean' | 'dirty' {
    const line = this.#lines.get(this.#startOf(at));
    if (line === undefined) return 'absent';
    return line.isDirty ? 'dirty' : 'clean';
  }

  /** Addresses of the lines in the cache, ascending: what a seeded test picks its evictions from. */
  lines(): number[] {
    return [...this.#lines.keys()].sort((a, b) => a - b);
  }

  #startOf(at: number): number {
    return at - (at % this.lineBytes);
  }

  #filled(start: number): Line {
    const found = this.#lines.get(start);
    if (found !== undefined) return found;
    const line = { bytes: new Uint8Array(this.lineBytes), isDirty: false };
    this.#memory.read(start, line.bytes);
    this.#lines.set(start, line);
    return line;
  }

  #writeBack(start: number): void {
    const line = this.#lines.get(start);
    if (line === undefined || !line.isDirty) return;
    this.#memory.write(start, line.bytes);
    line.isDirty = false;
  }
}
