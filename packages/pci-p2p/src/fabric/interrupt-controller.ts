import { PciFabricError } from './errors.ts';

/** The x86 window: a 4-byte write there is an interrupt, never memory (spec H10). */
export const MSI_WINDOW_START = 0xfee0_0000;
export const MSI_WINDOW_END = 0xfef0_0000;

/** Vectors below are exceptions, those above belong to the processor itself. */
const FIRST_VECTOR = 0x20;
const VECTORS_PER_CPU = 0xd0;
const CPUS = 256;

/** Takes a message that a function sent: who, where to and what. */
export interface InterruptSink {
  message(requesterId: number, address: number, data: number): void;
}

/**
 * Where messages end up: one counter for each (CPU, vector) pair that x86 can name. A driver is given a pair of its own
 * and looks whether something came; nothing is called back, as on every other backing (spec bridges 8).
 */
export class InterruptController implements InterruptSink {
  readonly #arrived = new Uint32Array(CPUS * 256);
  #allocated = 0;
  /** Messages for a pair that nobody was given. */
  spurious = 0;

  /** A pair that nobody has: an index for the calls below. */
  allocate(): number {
    if (this.#allocated === CPUS * VECTORS_PER_CPU)
      throw new PciFabricError(`all ${this.#allocated} interrupt vectors are taken`);
    const slot = this.#allocated++;
    return Math.floor(slot / VECTORS_PER_CPU) * 256 + FIRST_VECTOR + (slot % VECTORS_PER_CPU);
  }

  /** The first of `count` pairs that differ in the low bits of their data alone, as MSI needs; a power of two up to 32. */
  allocateBlock(count: number): number {
    const fits = (pair: number) =>
      (pair & (count - 1)) === 0 && (pair & 0xff) + count <= FIRST_VECTOR + VECTORS_PER_CPU;
    let pair = this.allocate();
    while (!fits(pair)) pair = this.allocate();
    for (let i = 1; i < count; i++) this.allocate();
    return pair;
  }

  /** Message address of a pair: the CPU in bits 19:12. */
  address(pair: number): number {
    return MSI_WINDOW_START + (pair >>> 8) * 4096;
  }

  /** Message data of a pair: the vector in bits 7:0. */
  data(pair: number): number {
    return pair & 0xff;
  }

  message(_requesterId: number, address: number, data: number): void {
    const pair = (((address >>> 12) & 0xff) << 8) | (data & 0xff);
    this.#arrived[pair]++;
    if (!this.#isAllocated(pair)) this.spurious++;
  }

  /** True once for any number of messages since the last look. */
  take(pair: number): boolean {
    if (this.#arrived[pair] === 0) return false;
    this.#arrived[pair] = 0;
    return true;
  }

  #isAllocated(pair: number): boolean {
    const vector = (pair & 0xff) - FIRST_VECTOR;
    return vector >= 0 && vector < VECTORS_PER_CPU && (pair >>> 8) * VECTORS_PER_CPU + vector < this.#allocated;
  }
}
