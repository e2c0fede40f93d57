import { ARENA_BYTES, GRANULE_SIZE, GRANULE_WORDS, Granule } from './granule.ts';

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
  #arena: Int32Array | undefined;

  constructor(spans: readonly MemorySpan[]) {
    const numbers = granulesOf(spans);
    if (numbers.length * GRANULE_SIZE > ARENA_BYTES) return;
    for (const [place, number] of numbers.entries()) this.#places.set(number, place);
  }

  /** The granule of that number, zeroed. The operating system commits its pages as they are touched. */
  commit(number: number): Granule {
    const place = this.#places.get(number);
    const arena = place === undefined ? undefined : this.#wholeArena();
    if (place === undefined || arena === undefined) return new Granule(number, new Int32Array(GRANULE_WORDS), 0);
    return new Granule(number, arena, place * GRANULE_WORDS);
  }

  #wholeArena(): Int32Array | undefined {
    if (this.#arena !== undefined) return this.#arena;
    try {
      this.#arena = new Int32Array(this.#places.size * GRANULE_WORDS);
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
