/** A cacheline counts this many further mappings and no more: 3 tag bits (spec D94). */
export const OVERLAP_LIMIT = 7;

const EMPTY = -1;
const OVERLAP_BITS = 3;

/** What {@link ActiveCachelines.insert} found. */
export const NO_OVERLAP = -1;

/**
 * Cachelines that a device may write now, by number: how many mappings beyond the first begin there, and the first one's
 * entry, which stays named even after it was freed and reused (spec D94). Open addressing in two columns.
 */
export class ActiveCachelines {
  #keys = new Float64Array(1024).fill(EMPTY);
  /** Entry << 3 | overlap. */
  #values = new Int32Array(1024);
  #shift = 22;
  #count = 0;
  /** The last `insert` wanted to count past the limit. */
  lastWasSaturated = false;

  /**
   * Counts one more mapping of that line.
   *
   * @returns the entry that was first, `NO_OVERLAP` if this one is
   */
  insert(cacheline: number, entry: number): number {
    const slot = this.#slotOf(cacheline);
    this.lastWasSaturated = false;
    if (this.#keys[slot] === EMPTY) {
      this.#keys[slot] = cacheline;
      this.#values[slot] = entry << OVERLAP_BITS;
      if (++this.#count * 2 > this.#keys.length) this.#grow();
      return NO_OVERLAP;
    }
    const value = this.#values[slot];
    if ((value & OVERLAP_LIMIT) === OVERLAP_LIMIT) this.lastWasSaturated = true;
    else this.#values[slot] = value + 1;
    return value >> OVERLAP_BITS;
  }

  /** One mapping less. The count saturates, so a line can vanish while mappings of it remain (spec D94). */
  remove(cacheline: number): void {
    const slot = this.#slotOf(cacheline);
    if (this.#keys[slot] === EMPTY) return;
    if ((this.#values[slot] & OVERLAP_LIMIT) > 0) this.#values[slot]--;
    else this.#delete(slot);
  }

  /** Mappings of that line beyond the first, -1 if it is not active. */
  overlap(cacheline: number): number {
    const slot = this.#slotOf(cacheline);
    return this.#keys[slot] === EMPTY ? NO_OVERLAP : this.#values[slot] & OVERLAP_LIMIT;
  }

  #home(cacheline: number): number {
    return Math.imul(cacheline, 0x9e3779b1) >>> this.#shift;
  }

  #slotOf(cacheline: number): number {
    const mask = this.#keys.length - 1;
    let slot = this.#home(cacheline);
    while (this.#keys[slot] !== cacheline && this.#keys[slot] !== EMPTY) slot = (slot + 1) & mask;
    return slot;
  }

  /** Moves later keys of the run up, so that no tombstones are needed. */
  #delete(hole: number): void {
    const mask = this.#keys.length - 1;
    this.#count--;
    for (let at = (hole + 1) & mask; this.#keys[at] !== EMPTY; at = (at + 1) & mask) {
      const home = this.#home(this.#keys[at]);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#keys[hole] = this.#keys[at];
      this.#values[hole] = this.#values[at];
      hole = at;
    }
    this.#keys[hole] = EMPTY;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Float64Array(keys.length * 2).fill(EMPTY);
    this.#values = new Int32Array(values.length * 2);
    this.#shift--;
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === EMPTY) continue;
      const slot = this.#slotOf(keys[i]);
      this.#keys[slot] = keys[i];
      this.#values[slot] = values[i];
    }
  }
}
