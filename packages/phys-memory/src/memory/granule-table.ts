import { GRANULE_SIZE, Granule } from './granule.ts';

/** 2^14 granules of 64 MiB: a machine of 1 TiB has a slot for each of its granules. */
const SLOT_COUNT = 2 ** 14;
/** The slot of a granule is its number `& SLOT_MASK`. */
export const SLOT_MASK = SLOT_COUNT - 1;

const NOWHERE = new Granule(-GRANULE_SIZE, new Int32Array(0), 0);

/**
 * Granules by number. `slots` is read on every access and always as long as the mask says: one index beyond the end of
 * an array, even if it never comes again, would have the compiled code allow for the next.
 */
export class GranuleTable {
  /** In each slot the granule of that place that was looked up last; compare its `number`. */
  readonly slots: Granule[] = new Array<Granule>(SLOT_COUNT).fill(NOWHERE);
  readonly #granules = new Map<number, Granule>();

  /** Finds a granule and puts it into its slot. */
  find(number: number): Granule | undefined {
    const granule = this.#granules.get(number);
    if (granule !== undefined) this.slots[number & SLOT_MASK] = granule;
    return granule;
  }

  insert(granule: Granule): void {
    this.#granules.set(granule.number, granule);
    this.slots[granule.number & SLOT_MASK] = granule;
  }

  /** All granules, ascending. */
  all(): Granule[] {
    return [...this.#granules.values()].sort((a, b) => a.number - b.number);
  }
}
