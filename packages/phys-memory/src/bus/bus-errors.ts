/** An access that nobody answered. */
export interface BusError {
  readonly at: number;
  readonly lengthBytes: number;
  readonly isWrite: boolean;
}

const KEPT = 64;

/** The aborted accesses of a bus: all counted, the last 64 kept. */
export class BusErrors {
  readonly #at = new Float64Array(KEPT);
  readonly #length = new Float64Array(KEPT);
  readonly #isWrite = new Uint8Array(KEPT);
  #count = 0;

  /** Aborted accesses so far. */
  get count(): number {
    return this.#count;
  }

  record(at: number, lengthBytes: number, isWrite: 0 | 1): void {
    const slot = this.#count++ % KEPT;
    this.#at[slot] = at;
    this.#length[slot] = lengthBytes;
    this.#isWrite[slot] = isWrite;
  }

  /** The last 64, oldest first. */
  latest(): BusError[] {
    const kept = Math.min(this.#count, KEPT);
    return Array.from({ length: kept }, (_, i) => {
      const slot = (this.#count - kept + i) % KEPT;
      return { at: this.#at[slot], lengthBytes: this.#length[slot], isWrite: this.#isWrite[slot] === 1 };
    });
  }
}
