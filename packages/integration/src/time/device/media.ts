import type { Costs } from '../costs/cost-table.ts';

const NANOS_PER_SECOND = 1e9;

/**
 * The media of a disk as far as time goes: dies that work side by side, each on one thing at a time. A stripe of the disk
 * lies on one die, the next stripe on the next. A read holds its dies for its whole latency; a write is safe in the cache
 * after its own, and holds its dies as long as the disk's bandwidth says.
 */
export class MediaTiming {
  readonly #readNanos: number;
  readonly #writeNanos: number;
  readonly #writeNanosPerByte: number;
  readonly #stripeBytes: number;
  readonly #freeAt: Float64Array;
  /** Nanoseconds that dies worked, all together. */
  busyNanos = 0;

  constructor(costs: Costs) {
    this.#readNanos = costs.mediaReadNanos;
    this.#writeNanos = costs.mediaWriteNanos;
    this.#writeNanosPerByte = (costs.mediaUnits * NANOS_PER_SECOND) / costs.mediaWriteBytesPerSecond;
    this.#stripeBytes = costs.mediaStripeBytes;
    this.#freeAt = new Float64Array(costs.mediaUnits);
  }

  get units(): number {
    return this.#freeAt.length;
  }

  /** When the data of a read are out of the media. */
  read(start: number, at: number, lengthBytes: number): number {
    let ready = start;
    const last = Math.floor((at + lengthBytes - 1) / this.#stripeBytes);
    for (let stripe = Math.floor(at / this.#stripeBytes); stripe <= last; stripe++) {
      ready = Math.max(ready, this.#occupy(stripe, start, this.#readNanos) + this.#readNanos);
    }
    return ready;
  }

  /** When the data of a write are safe. */
  write(start: number, at: number, lengthBytes: number): number {
    let safe = start;
    const last = Math.floor((at + lengthBytes - 1) / this.#stripeBytes);
    for (let stripe = Math.floor(at / this.#stripeBytes); stripe <= last; stripe++) {
      const from = Math.max(at, stripe * this.#stripeBytes);
      const to = Math.min(at + lengthBytes, (stripe + 1) * this.#stripeBytes);
      safe = Math.max(safe, this.#occupy(stripe, start, (to - from) * this.#writeNanosPerByte) + this.#writeNanos);
    }
    return safe;
  }

  /** Holds the die of a stripe once it is free: when that begins. */
  #occupy(stripe: number, start: number, nanos: number): number {
    const unit = stripe % this.#freeAt.length;
    const begin = Math.max(start, this.#freeAt[unit]);
    this.#freeAt[unit] = begin + nanos;
    this.busyNanos += nanos;
    return begin;
  }
}
