/** Largest pointer: 19 bits of index and the wrap bit above them (spec H57, H58). */
const MOST_BITS = 19;

/**
 * Producer and consumer of a queue of 2^n entries: indices with a wrap bit above them (spec H58). They are kept as the
 * registers show them, whatever the size says.
 */
export class QueuePointers {
  producer = 0;
  consumer = 0;
  /** Index bits with the wrap bit. */
  #mask = 1;
  #entries = 1;

  /** @param sizeBits log2 of the entries, cut to `mostBits`, what the unit has */
  setSize(sizeBits: number, mostBits: number): void {
    this.#entries = 2 ** Math.min(sizeBits, mostBits, MOST_BITS);
    this.#mask = this.#entries * 2 - 1;
  }

  get isEmpty(): boolean {
    return ((this.producer ^ this.consumer) & this.#mask) === 0;
  }

  /** Same index, other side of the wrap. */
  get isFull(): boolean {
    return ((this.producer ^ this.consumer) & this.#mask) === this.#entries;
  }

  get producerIndex(): number {
    return this.producer & (this.#entries - 1);
  }

  get consumerIndex(): number {
    return this.consumer & (this.#entries - 1);
  }

  /** The pointer one entry on, as a register value. */
  next(pointer: number): number {
    return (pointer + 1) & this.#mask;
  }
}
