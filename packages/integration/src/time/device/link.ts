import type { Costs } from '../costs/cost-table.ts';

const BITS = 8;
/** Bits on the wire for bits of data: 8b/10b up to 5 GT/s, 128b/130b above (PCI Express 4.0, 4.2). */
const SLOW_ENCODING = 10 / 8;
const FAST_ENCODING = 130 / 128;
const LAST_SLOW_GENERATION = 5;

/**
 * The link of a device, as far as time goes: each direction carries one packet after the other. All times are
 * nanoseconds of the machine's clock, with fractions.
 */
export class Link {
  readonly #nanosPerByte: number;
  readonly #maxPayloadBytes: number;
  readonly #maxReadRequestBytes: number;
  readonly #packetBytes: number;
  readonly #readNanos: number;
  readonly #writeNanos: number;
  /** When each direction is free again, and how long it was not: up, down, up busy, down busy. */
  readonly #state = new Float64Array(4);

  /** @param switches between the device and the root complex */
  constructor(costs: Costs, switches: number) {
    const encoding = costs.linkGigatransfers > LAST_SLOW_GENERATION ? FAST_ENCODING : SLOW_ENCODING;
    this.#nanosPerByte = (BITS * encoding) / (costs.linkGigatransfers * costs.linkLanes);
    this.#maxPayloadBytes = costs.maxPayloadBytes;
    this.#maxReadRequestBytes = costs.maxReadRequestBytes;
    this.#packetBytes = costs.packetBytes;
    this.#writeNanos = costs.linkWriteNanos + switches * costs.switchNanos;
    this.#readNanos = costs.linkReadNanos + 2 * switches * costs.switchNanos;
  }

  /** Time of one way without data: a doorbell, or an interrupt. */
  get writeNanos(): number {
    return this.#writeNanos;
  }

  /** Nanoseconds in which something was sent to memory, and received from it. */
  get busyUpNanos(): number {
    return this.#state[2];
  }

  get busyDownNanos(): number {
    return this.#state[3];
  }

  /** The device writes memory: when all of it is there. */
  write(start: number, lengthBytes: number): number {
    return this.#send(start, lengthBytes) + this.#writeNanos;
  }

  /** The device reads memory: when it has all of it. Requests go up, data come down. */
  read(start: number, lengthBytes: number): number {
    const requests = Math.ceil(lengthBytes / this.#maxReadRequestBytes);
    const asked = this.#occupy(0, start, requests * this.#packetBytes);
    const packets = Math.ceil(lengthBytes / this.#maxPayloadBytes);
    return this.#occupy(1, asked + this.#readNanos, lengthBytes + packets * this.#packetBytes);
  }

  #send(start: number, lengthBytes: number): number {
    return this.#occupy(0, start, lengthBytes + Math.ceil(lengthBytes / this.#maxPayloadBytes) * this.#packetBytes);
  }

  /** When the last of so many bytes left, after what was sent before. */
  #occupy(direction: 0 | 1, start: number, wireBytes: number): number {
    const nanos = wireBytes * this.#nanosPerByte;
    const end = Math.max(start, this.#state[direction]) + nanos;
    this.#state[direction] = end;
    this.#state[direction + 2] += nanos;
    return end;
  }
}
