import type { KernelContext } from '../core/kernel-context.ts';

/** Size classes, for ranges of 1, 2, 4, 8, 16 and 32 pages (spec I19). */
export const CACHE_CLASSES = 6;
/** The largest range that is cached, in pages (spec I19). */
export const MAX_CACHED_PAGES = 1 << (CACHE_CLASSES - 1);
/** Page numbers in a full magazine (spec I20). */
export const MAGAZINE_CAPACITY = 127;
const MAGAZINE_SHIFT = 7; // 127 rounded up, so that a magazine's first slot is a shift away
const NONE = -1;

/** Receives what leaves the caches for the tree. */
export interface RangeSink {
  treeFree(pfn: number): void;
}

/** log2 of a length in pages, rounded up (the specification's `ord`). */
export function orderOf(pages: number): number {
  return pages <= 1 ? 0 : 32 - Math.clz32(pages - 1);
}

/**
 * Caches of ranges that are free for the next request of their class but still allocated in the tree (spec I19 to I33):
 * two magazines for each CPU and class, and for each class a depot of full magazines that all CPUs share.
 * Page numbers only; the class tells the length.
 */
export class RangeCache {
  readonly #context: KernelContext;
  /** Magazine number by CPU and class, {@link NONE} while absent (spec I20). */
  readonly #loaded: Int32Array;
  readonly #prev: Int32Array;
  /** Full magazines by class, last in first out (spec I20). */
  readonly #depot: number[][] = [];
  #pfns = new Float64Array(0);
  #counts = new Int32Array(0);
  #spare: number[] = [];

  constructor(context: KernelContext) {
    this.#context = context;
    this.#loaded = new Int32Array(context.possibleCpus * CACHE_CLASSES).fill(NONE);
    this.#prev = new Int32Array(context.possibleCpus * CACHE_CLASSES).fill(NONE);
    for (let order = 0; order < CACHE_CLASSES; order++) this.#depot.push([]);
  }

  /** Full magazines in the depot of a class. */
  depotSize(order: number): number {
    return this.#depot[order].length;
  }

  /**
   * A cached range of this class that ends below `bound`, or 0 (spec I27, I28).
   * The class must be below {@link CACHE_CLASSES}.
   */
  get(order: number, bound: number): number {
    const slot = this.#context.cpu * CACHE_CLASSES + order;
    const magazine = this.#loaded[slot];
    const counts = this.#counts;
    const count = magazine < 0 ? 0 : counts[magazine];
    if (count === 0) return this.#getFromOthers(slot, order, bound);
    const pfn = this.#pfns[(magazine << MAGAZINE_SHIFT) + count - 1];
    if (pfn + (1 << order) > bound) return this.#searchBelow(magazine, bound - (1 << order));
    counts[magazine] = count - 1;
    return pfn;
  }

  /**
   * Caches a range. Returns 0, or 1 when a full magazine went to the depot, which schedules reclaim (spec I25, I26).
   */
  put(order: number, pfn: number): 0 | 1 {
    const slot = this.#context.cpu * CACHE_CLASSES + order;
    const magazine = this.#loaded[slot];
    const counts = this.#counts;
    const count = magazine < 0 ? MAGAZINE_CAPACITY : counts[magazine];
    if (count === MAGAZINE_CAPACITY) return this.#putIntoOther(slot, order, pfn);
    this.#pfns[(magazine << MAGAZINE_SHIFT) + count] = pfn;
    counts[magazine] = count + 1;
    return 0;
  }

  /** Gives the depot's top magazine back to the tree, in index order (spec I30). */
  drainDepotTop(order: number, sink: RangeSink): void {
    const magazine = this.#depot[order].pop();
    if (magazine === undefined) return;
    this.#drain(magazine, sink);
    this.#spare.push(magazine);
  }

  /** Gives both magazines of every class of one CPU back to the tree; they stay in place, empty (spec I32, I34). */
  drainCpu(cpu: number, sink: RangeSink): void {
    for (let order = 0; order < CACHE_CLASSES; order++) {
      const slot = cpu * CACHE_CLASSES + order;
      if (this.#loaded[slot] >= 0) this.#drain(this.#loaded[slot], sink);
      if (this.#prev[slot] >= 0) this.#drain(this.#prev[slot], sink);
    }
  }

  /** Gives everything back: each online CPU's magazines, then the depots (spec I32). */
  drainAll(sink: RangeSink): void {
    for (let cpu = 0; cpu < this.#context.possibleCpus; cpu++) {
      if (this.#context.online[cpu] === 1) this.drainCpu(cpu, sink);
    }
    for (let order = 0; order < CACHE_CLASSES; order++) {
      while (this.#depot[order].length > 0) this.drainDepotTop(order, sink);
    }
  }

  /** Takes exactly this page number out of the class's caches, wherever it lies; false if it is in none. */
  remove(order: number, pfn: number): boolean {
    for (let slot = order; slot < this.#loaded.length; slot += CACHE_CLASSES) {
      if (this.#removeFrom(this.#loaded[slot], pfn) || this.#removeFrom(this.#prev[slot], pfn)) return true;
    }
    return false;
  }

  /** Becomes a copy of `other`, which has as many CPUs. */
  copyFrom(other: RangeCache): void {
    while (this.#counts.length < other.#counts.length) this.#grow();
    this.#loaded.set(other.#loaded);
    this.#prev.set(other.#prev);
    this.#counts.fill(0).set(other.#counts);
    for (let magazine = 0; magazine < other.#counts.length; magazine++) this.#copyMagazine(other, magazine);
    for (let order = 0; order < CACHE_CLASSES; order++) this.#depot[order] = other.#depot[order].slice();
    this.#spare = other.#spare.slice();
    for (let extra = other.#counts.length; extra < this.#counts.length; extra++) this.#spare.unshift(extra);
  }

  /** Of the loaded magazines: how full they are, and what comes next. */
  get signature(): number {
    let signature = 0;
    for (let slot = 0; slot < this.#loaded.length; slot++) {
      const magazine = this.#loaded[slot];
      const count = magazine < 0 ? 0 : this.#counts[magazine];
      const top = count === 0 ? 0 : this.#pfns[(magazine << MAGAZINE_SHIFT) + count - 1];
      signature = Math.imul(signature ^ count ^ Math.imul(top, 0x9e3779b1), 0x85ebca6b);
    }
    return signature;
  }

  /** Would answer every call as `other` does. */
  equals(other: RangeCache): boolean {
    for (let slot = 0; slot < this.#loaded.length; slot++) {
      if (!this.#sameMagazine(this.#loaded[slot], other, other.#loaded[slot])) return false;
      if (!this.#sameMagazine(this.#prev[slot], other, other.#prev[slot])) return false;
    }
    for (let order = 0; order < CACHE_CLASSES; order++) {
      const depot = this.#depot[order];
      if (depot.length !== other.#depot[order].length) return false;
      if (!depot.every((magazine, i) => this.#sameMagazine(magazine, other, other.#depot[order][i]))) return false;
    }
    return true;
  }

  /** Every cached range: those of the CPUs, then the depots, oldest first in each magazine. */
  *entries(): Generator<{ readonly order: number; readonly pfn: number }> {
    for (let slot = 0; slot < this.#loaded.length; slot++) {
      yield* this.#entriesOf(this.#loaded[slot], slot % CACHE_CLASSES);
      yield* this.#entriesOf(this.#prev[slot], slot % CACHE_CLASSES);
    }
    for (let order = 0; order < CACHE_CLASSES; order++) {
      for (const magazine of this.#depot[order]) yield* this.#entriesOf(magazine, order);
    }
  }

  #getFromOthers(slot: number, order: number, bound: number): number {
    return this.#replaceLoaded(slot, order) < 0 ? 0 : this.get(order, bound);
  }

  #putIntoOther(slot: number, order: number, pfn: number): 0 | 1 {
    const pushed = this.#makeRoom(slot, order);
    this.put(order, pfn);
    return pushed;
  }

  /** The loaded magazine is empty or absent: prev, then the depot, takes its place (spec I27). Returns the magazine or NONE. */
  #replaceLoaded(slot: number, order: number): number {
    const loaded = this.#loaded[slot];
    const prev = this.#prev[slot];
    if (prev >= 0 && this.#counts[prev] > 0) {
      this.#loaded[slot] = prev;
      this.#prev[slot] = loaded;
      return prev;
    }
    const full = this.#depot[order].pop();
    if (full === undefined) return NONE;
    if (loaded >= 0) this.#spare.push(loaded);
    this.#loaded[slot] = full;
    return full;
  }

  /** The loaded magazine is full or absent: leaves one with room in its place (spec I25). */
  #makeRoom(slot: number, order: number): 0 | 1 {
    const loaded = this.#loaded[slot];
    const prev = this.#prev[slot];
    if (prev >= 0 && this.#counts[prev] < MAGAZINE_CAPACITY) {
      this.#loaded[slot] = prev;
      this.#prev[slot] = loaded;
      return 0;
    }
    this.#loaded[slot] = this.#newMagazine();
    if (loaded < 0) return 0;
    if (prev < 0) {
      this.#prev[slot] = loaded;
      return 0;
    }
    this.#depot[order].push(loaded);
    return 1;
  }

  /** Newest first; the last entry fills the hole, so nothing shifts (spec I28). */
  #searchBelow(magazine: number, highest: number): number {
    const base = magazine << MAGAZINE_SHIFT;
    const last = base + this.#counts[magazine] - 1;
    for (let i = last - 1; i >= base; i--) {
      const pfn = this.#pfns[i];
      if (pfn > highest) continue;
      this.#pfns[i] = this.#pfns[last];
      this.#counts[magazine]--;
      return pfn;
    }
    return 0;
  }

  /** Only what is in it: most magazines of a young domain are empty. */
  #copyMagazine(other: RangeCache, magazine: number): void {
    const base = magazine << MAGAZINE_SHIFT;
    const end = base + other.#counts[magazine];
    for (let i = base; i < end; i++) this.#pfns[i] = other.#pfns[i];
  }

  #removeFrom(magazine: number, pfn: number): boolean {
    if (magazine < 0) return false;
    const base = magazine << MAGAZINE_SHIFT;
    const at = this.#pfns.subarray(base, base + this.#counts[magazine]).indexOf(pfn);
    if (at < 0) return false;
    this.#pfns.copyWithin(base + at, base + at + 1, base + this.#counts[magazine]--);
    return true;
  }

  #sameMagazine(magazine: number, other: RangeCache, theirs: number): boolean {
    if (magazine < 0 || theirs < 0) return magazine === theirs;
    const count = this.#counts[magazine];
    if (count !== other.#counts[theirs]) return false;
    for (let i = 0; i < count; i++) {
      if (this.#pfns[(magazine << MAGAZINE_SHIFT) + i] !== other.#pfns[(theirs << MAGAZINE_SHIFT) + i]) return false;
    }
    return true;
  }

  #drain(magazine: number, sink: RangeSink): void {
    const base = magazine << MAGAZINE_SHIFT;
    for (let i = 0; i < this.#counts[magazine]; i++) sink.treeFree(this.#pfns[base + i]);
    this.#counts[magazine] = 0;
  }

  *#entriesOf(magazine: number, order: number): Generator<{ readonly order: number; readonly pfn: number }> {
    const base = magazine << MAGAZINE_SHIFT;
    const count = magazine < 0 ? 0 : this.#counts[magazine];
    for (let i = 0; i < count; i++) yield { order, pfn: this.#pfns[base + i] };
  }

  #newMagazine(): number {
    if (this.#spare.length === 0) this.#grow();
    return this.#spare.pop() as number;
  }

  #grow(): void {
    const had = this.#counts.length;
    const counts = new Int32Array(Math.max(8, had * 2));
    const pfns = new Float64Array(counts.length << MAGAZINE_SHIFT);
    counts.set(this.#counts);
    pfns.set(this.#pfns);
    this.#counts = counts;
    this.#pfns = pfns;
    for (let magazine = counts.length - 1; magazine >= had; magazine--) this.#spare.push(magazine);
  }
}
