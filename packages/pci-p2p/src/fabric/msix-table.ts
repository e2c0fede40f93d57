import { type MsixDescription, pendingOffsetOf } from '../config/function-description.ts';
import { PCI_MSIX_ENTRY_CTRL_MASKBIT, PCI_MSIX_ENTRY_SIZE } from '../spec/capability-ids.ts';

/** Words of a table entry (spec T8). */
const ADDRESS_LOW = 0;
const ADDRESS_HIGH = 1;
const DATA = 2;
const CONTROL = 3;
const ENTRY_WORDS = 4;

/** The MSI-X table and its pending bits, as they stand in the function's BAR (spec T8). */
export class MsixTable {
  readonly bar: number;
  readonly vectors: number;
  readonly #tableOffset: number;
  readonly #pendingOffset: number;
  readonly #words: Uint32Array;
  readonly #pending: Uint32Array;

  constructor(description: MsixDescription) {
    this.bar = description.bar;
    this.vectors = description.vectors;
    this.#tableOffset = description.tableOffset;
    this.#pendingOffset = pendingOffsetOf(description);
    this.#words = new Uint32Array(ENTRY_WORDS * description.vectors);
    this.#pending = new Uint32Array(2 * Math.ceil(description.vectors / 64));
    this.reset();
  }

  /** Every entry is masked after reset. PCIe Base 6.0 §7.7.2.2. */
  reset(): void {
    this.#words.fill(0);
    this.#pending.fill(0);
    for (let vector = 0; vector < this.vectors; vector++) this.#words[ENTRY_WORDS * vector + CONTROL] = 1;
  }

  /** True where that offset of the BAR belongs to the table or its pending bits. */
  covers(offset: number): boolean {
    return this.#tableIndex(offset) >= 0 || this.#pendingIndex(offset) >= 0;
  }

  readRegister(offset: number): number {
    const index = this.#tableIndex(offset);
    return index >= 0 ? this.#words[index] : this.#pending[this.#pendingIndex(offset)];
  }

  /** Returns the vector whose mask bit the write touched, which may now be due; -1 for any other write. */
  writeRegister(offset: number, value: number): number {
    const index = this.#tableIndex(offset);
    if (index < 0) return -1; // pending bits are read-only
    const word = index % ENTRY_WORDS;
    this.#words[index] =
      word === CONTROL ? value & PCI_MSIX_ENTRY_CTRL_MASKBIT : word === ADDRESS_LOW ? value & ~3 : value;
    return word === CONTROL ? Math.floor(index / ENTRY_WORDS) : -1;
  }

  isMasked(vector: number): boolean {
    return (this.#words[ENTRY_WORDS * vector + CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT) !== 0;
  }

  address(vector: number): number {
    const at = ENTRY_WORDS * vector;
    return this.#words[at + ADDRESS_HIGH] * 2 ** 32 + this.#words[at + ADDRESS_LOW];
  }

  data(vector: number): number {
    return this.#words[ENTRY_WORDS * vector + DATA];
  }

  setPending(vector: number): void {
    this.#pending[vector >>> 5] |= 1 << (vector & 31);
  }

  /** Clears the pending bit; true when it was set. */
  takePending(vector: number): boolean {
    const bit = 1 << (vector & 31);
    const was = (this.#pending[vector >>> 5] & bit) !== 0;
    this.#pending[vector >>> 5] &= ~bit;
    return was;
  }

  #tableIndex(offset: number): number {
    const at = offset - this.#tableOffset;
    return at >= 0 && at < this.vectors * PCI_MSIX_ENTRY_SIZE ? at >>> 2 : -1;
  }

  #pendingIndex(offset: number): number {
    const at = offset - this.#pendingOffset;
    return at >= 0 && at < 4 * this.#pending.length ? at >>> 2 : -1;
  }
}
