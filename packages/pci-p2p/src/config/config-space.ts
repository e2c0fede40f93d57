import { PCI_CFG_SPACE_EXP_SIZE, type PCI_CFG_SPACE_SIZE } from '../spec/header.ts';

/** Bytes of one config access. */
export type ConfigWidth = 1 | 2 | 4;

/**
 * The configuration space of one function as real bytes, with what software may change in it: a mask of writable bits
 * and one of bits that a written 1 clears. Reads beyond the end answer all ones, writes there are dropped (spec T7).
 */
export class ConfigSpace {
  readonly bytes: Uint8Array;
  readonly #writable: Uint8Array;
  readonly #clearedByOne: Uint8Array;

  constructor(sizeBytes: typeof PCI_CFG_SPACE_SIZE | typeof PCI_CFG_SPACE_EXP_SIZE = PCI_CFG_SPACE_EXP_SIZE) {
    this.bytes = new Uint8Array(sizeBytes);
    this.#writable = new Uint8Array(sizeBytes);
    this.#clearedByOne = new Uint8Array(sizeBytes);
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  /** Little endian, unsigned. */
  read(offset: number, width: ConfigWidth): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#byte(offset + i);
    return value;
  }

  /** What software writes: only the bits that the function lets it change. */
  write(offset: number, width: ConfigWidth, value: number): void {
    for (let i = 0; i < width && offset + i < this.bytes.length; i++) {
      const at = offset + i;
      const byte = (value >>> (8 * i)) & 0xff;
      const kept = this.bytes[at] & ~this.#writable[at];
      this.bytes[at] = (kept | (byte & this.#writable[at])) & ~(byte & this.#clearedByOne[at]);
    }
  }

  /** What the device itself puts there, whatever software may write. */
  set(offset: number, width: ConfigWidth, value: number): void {
    for (let i = 0; i < width; i++) this.bytes[offset + i] = value >>> (8 * i);
  }

  /** Lets software write the bits of `mask`. */
  allowWrites(offset: number, width: ConfigWidth, mask: number): void {
    for (let i = 0; i < width; i++) this.#writable[offset + i] |= mask >>> (8 * i);
  }

  /** Lets software clear the bits of `mask` by writing 1 to them. */
  allowClears(offset: number, width: ConfigWidth, mask: number): void {
    for (let i = 0; i < width; i++) this.#clearedByOne[offset + i] |= mask >>> (8 * i);
  }

  #byte(at: number): number {
    return at < this.bytes.length ? this.bytes[at] : 0xff;
  }
}
