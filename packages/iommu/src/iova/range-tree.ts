/** Stands for the anchor above all ranges (spec I4): higher than any page number of a 52-bit address. */
export const ANCHOR_PFN = 2 ** 52;

/** An ordered set of disjoint ranges of pages, each known by its lowest page number. */
export class RangeTree {
  #lo = new Float64Array(64);
  #length = new Uint32Array(64);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** The lowest page of the range that contains `pfn`, or -1. */
  find(pfn: number): number {
    const i = this.#firstAbove(pfn) - 1;
    return i >= 0 && pfn < this.#lo[i] + this.#length[i] ? this.#lo[i] : -1;
  }

  /** Pages in the range that starts at `lo`; 0 if none does. */
  lengthOf(lo: number): number {
    const i = this.#firstAbove(lo) - 1;
    return i >= 0 && this.#lo[i] === lo ? this.#length[i] : 0;
  }

  /** Start of the lowest range above `pfn`, or the anchor. */
  above(pfn: number): number {
    const i = this.#firstAbove(pfn);
    return i < this.#count ? this.#lo[i] : ANCHOR_PFN;
  }

  insert(lo: number, length: number): void {
    if (this.#count === this.#lo.length) this.#grow();
    const i = this.#firstAbove(lo);
    this.#lo.copyWithin(i + 1, i, this.#count);
    this.#length.copyWithin(i + 1, i, this.#count);
    this.#lo[i] = lo;
    this.#length[i] = length;
    this.#count++;
  }

  remove(lo: number): void {
    const i = this.#firstAbove(lo) - 1;
    this.#lo.copyWithin(i, i + 1, this.#count);
    this.#length.copyWithin(i, i + 1, this.#count);
    this.#count--;
  }

  /** Highest multiple of `align` at or above `low` where `length` free pages end at or below `bound`; -1 if there is none. */
  highestFit(bound: number, low: number, length: number, align: number): number {
    let high = bound;
    for (let i = this.#firstAbove(bound - 1) - 1; ; i--) {
      const candidate = Math.floor((high - length) / align) * align;
      if (candidate < low) return -1;
      if (i < 0 || candidate >= this.#lo[i] + this.#length[i]) return candidate;
      high = Math.min(high, this.#lo[i]);
    }
  }

  /** Becomes a copy of `other`. */
  copyFrom(other: RangeTree): void {
    while (this.#lo.length < other.#count) this.#grow();
    this.#lo.set(other.#lo.subarray(0, other.#count));
    this.#length.set(other.#length.subarray(0, other.#count));
    this.#count = other.#count;
  }

  /** Holds the same ranges. */
  equals(other: RangeTree): boolean {
    if (this.#count !== other.#count) return false;
    for (let i = 0; i < this.#count; i++) {
      if (this.#lo[i] !== other.#lo[i] || this.#length[i] !== other.#length[i]) return false;
    }
    return true;
  }

  #firstAbove(pfn: number): number {
    let from = 0;
    let to = this.#count;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#lo[middle] <= pfn) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #grow(): void {
    const lo = new Float64Array(this.#lo.length * 2);
    const length = new Uint32Array(lo.length);
    lo.set(this.#lo);
    length.set(this.#length);
    this.#lo = lo;
    this.#length = length;
  }
}
