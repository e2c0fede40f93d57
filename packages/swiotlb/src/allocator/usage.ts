import type { SwiotlbPool } from '../pool/pool.ts';

const EINVAL = 22;

/** How many slots are in use, as `io_tlb_used` tells it (spec S94). */
export class SwiotlbUsage {
  readonly #exact: boolean;
  #used = 0;
  #hiwater = 0;

  /** @param trackHiwater count each claim and release, and keep the maximum */
  constructor(trackHiwater: boolean) {
    this.#exact = trackHiwater;
  }

  claimed(slots: number): void {
    if (!this.#exact) return;
    this.#used += slots;
    if (this.#used > this.#hiwater) this.#hiwater = this.#used;
  }

  released(slots: number): void {
    if (this.#exact) this.#used -= slots;
  }

  /** Slots in use in the lasting pools. */
  used(pools: readonly SwiotlbPool[]): number {
    if (this.#exact) return this.#used;
    let used = 0;
    for (const pool of pools) used += pool.used();
    return used;
  }

  /** The most that were ever in use; 0 unless tracked. */
  get hiwater(): number {
    return this.#hiwater;
  }

  /** A write to `io_tlb_used_hiwater`: 0 resets the mark, anything else is -EINVAL (spec S95). */
  writeHiwater(value: number): number {
    if (value !== 0) return -EINVAL;
    this.#hiwater = 0;
    return 0;
  }
}
