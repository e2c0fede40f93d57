import { copyBytes } from './copy-bytes.ts';

/**
 * What stands behind a BAR. Register accesses are aligned 32-bit words and answer at once, without DMA. A BAR that is
 * also memory (a controller memory buffer) takes blocks of any length and alignment.
 */
export interface BarHandler {
  /** Unsigned, or negative for a completer abort. */
  readRegister(offset: number): number;
  writeRegister(offset: number, value: number): void;
  /** Copies bytes out of the BAR: 0, or negative where the range is not memory (then words are tried). */
  readBlock?(offset: number, into: Uint8Array, at: number, lengthBytes: number): number;
  writeBlock?(offset: number, from: Uint8Array, at: number, lengthBytes: number): number;
}

/** A BAR that is nothing but memory. */
export class MemoryBar implements BarHandler {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  readRegister(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  writeRegister(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  readBlock(offset: number, into: Uint8Array, at: number, lengthBytes: number): number {
    copyBytes(into, at, this.bytes, offset, lengthBytes);
    return 0;
  }

  writeBlock(offset: number, from: Uint8Array, at: number, lengthBytes: number): number {
    copyBytes(this.bytes, offset, from, at, lengthBytes);
    return 0;
  }
}
