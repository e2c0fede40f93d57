import type { ByteAccess } from '../memory/byte-access.ts';

interface PendingStore {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Stores before a barrier and after it never change places. */
  readonly epoch: number;
}

/**
 * The stores of one CPU to coherent memory on their way to where a device can see them (spec P81). They arrive at a
 * doorbell at the latest, and before that in any order that barriers allow: `drainOne` is the choice. The CPU itself
 * sees its own stores at once.
 */
export class StoreBuffer implements ByteAccess {
  readonly #memory: ByteAccess;
  #pending: PendingStore[] = [];
  #epoch = 0;

  constructor(memory: ByteAccess) {
    this.#memory = memory;
  }

  /** Stores that no device has seen yet. */
  get pendingStores(): number {
    return this.#pending.length;
  }

  /** `dma_wmb`: later stores stay behind earlier ones; nothing becomes visible by it (spec P78). */
  writeBarrier(): void {
    this.#epoch++;
  }

  /** A normal MMIO write is ordered after all earlier stores of the CPU (spec P78): they are all visible when it is. */
  doorbell(): void {
    for (const { at, bytes } of this.#pending.splice(0)) this.#memory.write(at, bytes);
  }

  /**
   * Makes one store visible: any that no barrier and no overlapping earlier store holds back. Returns false when there
   * is none.
   * @param pick answers a number from 0 to `candidates - 1`
   */
  drainOne(pick: (candidates: number) => number): boolean {
    const oldest = this.#pending[0]?.epoch;
    const candidates = this.#pending.filter(
      (store, i) => store.epoch === oldest && !this.#pending.slice(0, i).some((earlier) => overlaps(earlier, store)),
    );
    if (candidates.length === 0) return false;
    const chosen = candidates[pick(candidates.length)];
    this.#memory.write(chosen.at, chosen.bytes);
    this.#pending = this.#pending.filter((store) => store !== chosen);
    return true;
  }

  load8(at: number): number {
    const newest = this.#pending.findLast((store) => at >= store.at && at < store.at + store.bytes.length);
    return newest === undefined ? this.#memory.load8(at) : newest.bytes[at - newest.at];
  }

  load16(at: number): number {
    return this.load8(at) | (this.load8(at + 1) << 8);
  }

  load32(at: number): number {
    return (this.load16(at) | (this.load16(at + 2) << 16)) >>> 0;
  }

  store8(at: number, value: number): void {
    this.#store(at, Uint8Array.of(value));
  }

  store16(at: number, value: number): void {
    this.#store(at, Uint8Array.of(value, value >>> 8));
  }

  store32(at: number, value: number): void {
    this.#store(at, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24));
  }

  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    for (let i = 0; i < lengthBytes; i++) into[offset + i] = this.load8(at + i);
  }

  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    this.#store(at, from.slice(offset, offset + lengthBytes));
  }

  #store(at: number, bytes: Uint8Array): void {
    this.#pending.push({ at, bytes, epoch: this.#epoch });
  }
}

function overlaps(a: PendingStore, b: PendingStore): boolean {
  return a.at < b.at + b.bytes.length && b.at < a.at + a.bytes.length;
}
