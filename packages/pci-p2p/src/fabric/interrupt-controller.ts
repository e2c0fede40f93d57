import { PciFabricError } from './errors.ts';

/** The x86 window: a 4-byte write there is an interrupt, never memory (spec H10). */
export const MSI_WINDOW_START = 0xfee0_0000;
export const MSI_WINDOW_END = 0xfef0_0000;

/** GITS_TRANSLATER in the page of an Arm interrupt translation service: data written there names an event (spec H10). */
const TRANSLATER = 0x40;

/** Vectors below are exceptions, those above belong to the processor itself. */
const FIRST_VECTOR = 0x20;
const VECTORS_PER_CPU = 0xd0;
const CPUS = 256;

/** Takes a message that a function sent: who, where to and what. */
export interface InterruptSink {
  message(requesterId: number, address: number, data: number): void;
}

/**
 * Where messages end up: one counter for each (CPU, vector) pair that x86 can name, or for as many events of an Arm
 * machine, whose messages all go to one register. A driver is given a pair of its own
 * and looks whether something came; nothing is called back, as on every other backing (spec bridges 8).
 */
export class InterruptController implements InterruptSink {
  readonly #arrived = new Uint32Array(CPUS * 256);
  #allocated = 0;
  /** Page that messages are written to, like any memory, behind the IOMMU; -1 for the window of x86 (spec H10). */
  readonly doorbellPage: number;
  /** Messages for a pair that nobody was given. */
  spurious = 0;

  constructor(doorbellPage = -1) {
    this.doorbellPage = doorbellPage;
  }

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

  /** Message address of a pair: the CPU in bits 19:12, or the one register of an Arm machine. */
  address(pair: number): number {
    if (this.doorbellPage >= 0) return this.doorbellPage + TRANSLATER;
    return MSI_WINDOW_START + (pair >>> 8) * 4096;
  }

  /** Message data of a pair: the vector in bits 7:0, or the event. */
  data(pair: number): number {
    return this.doorbellPage >= 0 ? pair : pair & 0xff;
  }

  message(_requesterId: number, address: number, data: number): void {
    const isEvent = this.doorbellPage >= 0;
    const pair = isEvent ? data & (this.#arrived.length - 1) : (((address >>> 12) & 0xff) << 8) | (data & 0xff);
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
