import { ARENA_BYTES, GRANULE_SHIFT, GRANULE_SIZE, Granule } from './granule.ts';

/** A part of the address space, ends included as `/proc/iomem` prints them. */
export interface MemorySpan {
  readonly start: number;
  readonly end: number;
}

/**
 * Where granules come from. The granules of the spans share one arena while all of them fit in it (that is decided
 * here, once); all others, and every granule of a larger machine, get a buffer of their own.
 */
export class GranuleSource {
  /** Granule number to its place in the arena, in granules. Empty: there is no arena. */
  readonly #places = new Map<number, number>();
  #arena: Granule | undefined;

  constructor(spans: readonly MemorySpan[]) {
    const numbers = granulesOf(spans);
    if (numbers.length * GRANULE_SIZE > ARENA_BYTES) return;
    for (const [place, number] of numbers.entries()) this.#places.set(number, place);
  }

  /** The granule of that number, zeroed. The operating system commits its pages as they are touched. */
  commit(number: number): Granule {
    const place = this.#places.get(number);
    const arena = place === undefined ? undefined : this.#wholeArena();
    if (place === undefined || arena === undefined) return backedBy(new ArrayBuffer(GRANULE_SIZE));
    return new Granule(arena.words, arena.bytes, (place * GRANULE_SIZE) / 4);
  }

  #wholeArena(): Granule | undefined {
    if (this.#arena !== undefined) return this.#arena;
    try {
      this.#arena = backedBy(new ArrayBuffer(this.#places.size * GRANULE_SIZE));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#places.clear(); // the host has no room for one buffer of that size: granules of their own will do
    }
    return this.#arena;
  }
}

/** The granules that the spans touch, counted no further than one more than an arena holds. */
function granulesOf(spans: readonly MemorySpan[]): number[] {
  const most = ARENA_BYTES / GRANULE_SIZE;
  const numbers = new Set<number>();
  for (const { start, end } of spans) {
    const last = Math.floor(end / GRANULE_SIZE);
    for (let n = Math.floor(start / GRANULE_SIZE); n <= last && numbers.size <= most; n++) numbers.add(n);
  }
  return [...numbers].sort((a, b) => a - b);
}

function backedBy(buffer: ArrayBuffer): Granule {
  return new Granule(new Int32Array(buffer), new Uint8Array(buffer), 0);
}

/** log2 of the granules that are found by indexing an array; the rest of the address space goes through a map. */
const NEAR_SHIFT = 42 - GRANULE_SHIFT;

/** Granules by number: an array for the first 4 TiB, a map above, so that a lone far page does not cost a huge table. */
export class GranuleTable {
  readonly near: (Granule | undefined)[] = [];
  readonly #far = new Map<number, Granule>();

  find(number: number): Granule | undefined {
    return number < 2 ** NEAR_SHIFT ? this.near[number] : this.#far.get(number);
  }

  insert(number: number, granule: Granule): void {
    if (number >= 2 ** NEAR_SHIFT) {
      this.#far.set(number, granule);
      return;
    }
    while (this.near.length <= number) this.near.push(undefined); // packed elements: a hole would slow every access
    this.near[number] = granule;
  }

  /** Numbers of all granules, ascending. */
  numbers(): number[] {
    const near = [...this.near.keys()].filter((number) => this.near[number] !== undefined);
    return near.concat([...this.#far.keys()].sort((a, b) => a - b));
  }
}
