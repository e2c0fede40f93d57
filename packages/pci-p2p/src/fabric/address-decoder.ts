import type { PciFunction } from './pci-function.ts';

/** What `bar` says of an entry that is a bridge window. */
export const DECODES_TO_WINDOW = -1;

/**
 * Who on one bus claims which bus addresses: BARs, and the open windows of bridges. Rebuilt when a config write touches
 * what it was made of; lookups walk it in devfn order, so that on overlap (software's mistake) the first one claims.
 */
export class AddressDecoder {
  readonly owners: PciFunction[] = [];
  readonly bars: number[] = [];
  /** Rebuilt arrays of exactly `count` entries: a lookup stays inside them without a bounds check of its own. */
  starts = new Float64Array(0);
  ends = new Float64Array(0);
  #pending: number[] = [];

  clear(): void {
    this.owners.length = 0;
    this.bars.length = 0;
    this.#pending = [];
  }

  add(owner: PciFunction, bar: number, start: number, end: number): void {
    this.owners.push(owner);
    this.bars.push(bar);
    this.#pending.push(start, end);
  }

  seal(): void {
    const pending = this.#pending;
    this.starts = Float64Array.from(this.owners, (_, i) => pending[2 * i]);
    this.ends = Float64Array.from(this.owners, (_, i) => pending[2 * i + 1]);
  }

  /** Index of the entry that claims the address, or -1. */
  find(address: number): number {
    const { starts, ends } = this;
    for (let i = 0; i < starts.length; i++) if (address >= starts[i] && address < ends[i]) return i;
    return -1;
  }
}
