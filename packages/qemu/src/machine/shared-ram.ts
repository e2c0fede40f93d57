import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { MemoryRangeError, type MemorySpan, PhysMemory } from '@dmalab/phys-memory';

/**
 * RAM that another process has in a file (spec B44): the same calls as on simulated memory, each a read or write of the
 * file, about 1 us, and seen by that machine's devices at once. Nothing is kept here.
 */
export class SharedRam extends PhysMemory {
  readonly start: number;
  readonly lengthBytes: number;
  readonly #fd: number;
  readonly #scratch = Buffer.alloc(8);
  readonly #view = new DataView(this.#scratch.buffer, this.#scratch.byteOffset, 8);

  /** @param start physical address of the file's first byte */
  constructor(file: string, start: number, lengthBytes: number) {
    super();
    this.start = start;
    this.lengthBytes = lengthBytes;
    this.#fd = openSync(file, 'r+');
  }

  override load8(at: number): number {
    return this.#load(at, 1).getUint8(0);
  }

  override load16(at: number): number {
    return this.#load(at, 2).getUint16(0, true);
  }

  override load32(at: number): number {
    return this.#load(at, 4).getUint32(0, true);
  }

  override store8(at: number, value: number): void {
    this.#view.setUint8(0, value);
    this.#store(at, 1);
  }

  override store16(at: number, value: number): void {
    this.#view.setUint16(0, value, true);
    this.#store(at, 2);
  }

  override store32(at: number, value: number): void {
    this.#view.setUint32(0, value, true);
    this.#store(at, 4);
  }

  /** Both halves in one write: an entry that hardware reads at the same time is never half new. */
  override store64(at: number, low: number, high: number): void {
    this.#view.setUint32(0, low, true);
    this.#view.setUint32(4, high, true);
    this.#store(at, 8);
  }

  /** There are no words to keep: the file is the memory. */
  override wordsOf(): undefined {
    return undefined;
  }

  override read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    if (lengthBytes > 0) readSync(this.#fd, into, offset, lengthBytes, this.#fileOffset(at, lengthBytes));
  }

  override write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    if (lengthBytes > 0) writeSync(this.#fd, from, offset, lengthBytes, this.#fileOffset(at, lengthBytes));
  }

  override copy(to: number, from: number, lengthBytes: number): void {
    const bytes = new Uint8Array(lengthBytes);
    this.read(from, bytes);
    this.write(to, bytes);
  }

  override fill(at: number, lengthBytes: number, byte = 0): void {
    this.write(at, new Uint8Array(lengthBytes).fill(byte));
  }

  override isZeroPage(at: number): boolean {
    const page = new Uint8Array(4096);
    this.read(at, page);
    return page.every((byte) => byte === 0);
  }

  /** All of it: who wrote what is not known. */
  override touched(): MemorySpan[] {
    return [{ start: this.start, end: this.start + this.lengthBytes - 1 }];
  }

  close(): void {
    closeSync(this.#fd);
  }

  #load(at: number, lengthBytes: number): DataView {
    readSync(this.#fd, this.#scratch, 0, lengthBytes, this.#fileOffset(at, lengthBytes));
    return this.#view;
  }

  #store(at: number, lengthBytes: number): void {
    writeSync(this.#fd, this.#scratch, 0, lengthBytes, this.#fileOffset(at, lengthBytes));
  }

  #fileOffset(at: number, lengthBytes: number): number {
    const offset = at - this.start;
    if (offset >= 0 && offset + lengthBytes <= this.lengthBytes) return offset;
    throw new MemoryRangeError(at, lengthBytes);
  }
}
