import type { KernelContext } from '../core/kernel-context.ts';
import { Magazine } from './magazine.ts';

/** Size classes, for ranges of 1, 2, 4, 8, 16 and 32 pages (spec I19). */
export const CACHE_CLASSES = 6;
/** The largest range that is cached, in pages (spec I19). */
export const MAX_CACHED_PAGES = 1 << (CACHE_CLASSES - 1);
/** A local copy: V8 folds it into the code, and loads an exported one on every use. */
const CLASSES = CACHE_CLASSES;

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
  /** By CPU and class (spec I20). */
  readonly #loaded: Magazine[];
  readonly #prev: Magazine[];
  /** Full magazines by class, last in first out (spec I20). */
  readonly #depot: Magazine[][];
  readonly #spare: Magazine[] = [];
  /** Requests that found a range. */
  hits = 0;

  constructor(context: KernelContext) {
    const slots = context.possibleCpus * CACHE_CLASSES;
    this.#context = context;
    this.#loaded = Array.from({ length: slots }, () => new Magazine());
    this.#prev = Array.from({ length: slots }, () => new Magazine());
    this.#depot = Array.from({ length: CACHE_CLASSES }, () => []);
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
    const magazine = this.#nonEmpty(this.#context.cpu * CLASSES + order, order);
    if (magazine.count === 0) return 0;
    const top = magazine.pfns[magazine.count - 1];
    let pfn = top;
    if (top + (1 << order) <= bound) magazine.count--;
    else pfn = magazine.takeUpTo(bound - (1 << order));
    if (pfn !== 0) this.hits++;
    return pfn;
  }

  /** {@link get} of one page, as far as the top of the loaded magazine answers it; else 0, and nothing changes. */
  takePage(bound: number): number {
    const magazine = this.#loaded[this.#context.cpu * CLASSES];
    const { count } = magazine;
    if (count === 0) return 0;
    const pfn = magazine.pfns[count - 1];
    if (pfn >= bound) return 0;
    magazine.count = count - 1;
    this.hits++;
    return pfn;
  }

  /**
   * Caches a range. Returns 0, or 1 when a full magazine went to the depot, which schedules reclaim (spec I25, I26).
   */
  put(order: number, pfn: number): 0 | 1 {
    const slot = this.#context.cpu * CLASSES + order;
    const magazine = this.#loaded[slot];
    const { count, pfns } = magazine;
    if (count >= pfns.length) return this.#putIntoOther(slot, order, pfn);
    pfns[count] = pfn;
    magazine.count = count + 1;
    return 0;
  }

  /** {@link put} of `count` single pages in this order; returns how many magazines went to the depot. */
  putPages(pfns: readonly number[], from: number, count: number): number {
    const slot = this.#context.cpu * CLASSES;
    let pushed = 0;
    for (let done = 0; done < count; ) {
      if (this.#loaded[slot].isFull) pushed += this.#makeRoom(slot, 0);
      done += this.#loaded[slot].fill(pfns, from + done, count - done);
    }
    return pushed;
  }

  /** Gives the depot's top magazine back to the tree, in index order (spec I30). */
  drainDepotTop(order: number, sink: RangeSink): void {
    const magazine = this.#depot[order].pop();
    if (magazine === undefined) return;
    drain(magazine, sink);
    this.#spare.push(magazine);
  }

  /** Gives both magazines of every class of one CPU back to the tree; they stay in place, empty (spec I32, I34). */
  drainCpu(cpu: number, sink: RangeSink): void {
    for (let slot = cpu * CACHE_CLASSES; slot < (cpu + 1) * CACHE_CLASSES; slot++) {
      drain(this.#loaded[slot], sink);
      drain(this.#prev[slot], sink);
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
      if (this.#loaded[slot].remove(pfn) || this.#prev[slot].remove(pfn)) return true;
    }
    return false;
  }

  /** Becomes a copy of `other`, which has as many CPUs. */
  copyFrom(other: RangeCache): void {
    for (let slot = 0; slot < this.#loaded.length; slot++) {
      this.#loaded[slot].copyFrom(other.#loaded[slot]);
      this.#prev[slot].copyFrom(other.#prev[slot]);
    }
    for (let order = 0; order < CACHE_CLASSES; order++) this.#copyDepot(this.#depot[order], other.#depot[order]);
    this.hits = other.hits;
  }

  /** Of the loaded magazines: how full they are, and what comes next. */
  get signature(): number {
    let signature = 0;
    for (const { count, pfns } of this.#loaded) {
      const top = count === 0 ? 0 : pfns[count - 1];
      signature = Math.imul(signature ^ count ^ Math.imul(top, 0x9e3779b1), 0x85ebca6b);
    }
    return signature;
  }

  /** Would answer every call as `other` does. */
  equals(other: RangeCache): boolean {
    return (
      sameMagazines(this.#loaded, other.#loaded) &&
      sameMagazines(this.#prev, other.#prev) &&
      this.#depot.every((depot, order) => sameMagazines(depot, other.#depot[order]))
    );
  }

  /** Every cached range: those of the CPUs, then the depots, oldest first in each magazine. */
  *entries(): Generator<{ readonly order: number; readonly pfn: number }> {
    for (let slot = 0; slot < this.#loaded.length; slot++) {
      yield* entriesOf(this.#loaded[slot], slot % CACHE_CLASSES);
      yield* entriesOf(this.#prev[slot], slot % CACHE_CLASSES);
    }
    for (let order = 0; order < CACHE_CLASSES; order++) {
      for (const magazine of this.#depot[order]) yield* entriesOf(magazine, order);
    }
  }

  /** The loaded magazine; where it is empty, prev, else a full one of the depot takes its place (spec I27). */
  #nonEmpty(slot: number, order: number): Magazine {
    const loaded = this.#loaded[slot];
    if (loaded.count > 0) return loaded;
    const prev = this.#prev[slot];
    if (prev.count > 0) {
      this.#loaded[slot] = prev;
      this.#prev[slot] = loaded;
      return prev;
    }
    const full = this.#depot[order].pop();
    if (full === undefined) return loaded;
    this.#spare.push(loaded);
    this.#loaded[slot] = full;
    return full;
  }

  /** The loaded magazine is full, or has never been used. */
  #putIntoOther(slot: number, order: number, pfn: number): 0 | 1 {
    const pushed = this.#loaded[slot].isFull ? this.#makeRoom(slot, order) : 0;
    this.#loaded[slot].makeRoom();
    this.put(order, pfn);
    return pushed;
  }

  /** The loaded magazine is full: leaves one with room in its place (spec I25). */
  #makeRoom(slot: number, order: number): 0 | 1 {
    const loaded = this.#loaded[slot];
    const prev = this.#prev[slot];
    if (!prev.isFull) {
      this.#loaded[slot] = prev;
      this.#prev[slot] = loaded;
      return 0;
    }
    this.#loaded[slot] = this.#newMagazine();
    this.#depot[order].push(loaded);
    return 1;
  }

  #newMagazine(): Magazine {
    return this.#spare.pop() ?? new Magazine();
  }

  #copyDepot(mine: Magazine[], theirs: readonly Magazine[]): void {
    while (mine.length > theirs.length) this.#spare.push(mine.pop() as Magazine);
    while (mine.length < theirs.length) mine.push(this.#newMagazine());
    for (let i = 0; i < mine.length; i++) mine[i].copyFrom(theirs[i]);
  }
}

function drain(magazine: Magazine, sink: RangeSink): void {
  for (let i = 0; i < magazine.count; i++) sink.treeFree(magazine.pfns[i]);
  magazine.count = 0;
}

function sameMagazines(mine: readonly Magazine[], theirs: readonly Magazine[]): boolean {
  return mine.length === theirs.length && mine.every((magazine, i) => magazine.equals(theirs[i]));
}

function* entriesOf(
  { count, pfns }: Magazine,
  order: number,
): Generator<{ readonly order: number; readonly pfn: number }> {
  for (let i = 0; i < count; i++) yield { order, pfn: pfns[i] };
}
