import { assertInvariant, IommuUsageError } from '../core/errors.ts';
import type { KernelContext } from '../core/kernel-context.ts';
import { CACHE_CLASSES, MAX_CACHED_PAGES, orderOf, RangeCache } from './range-cache.ts';
import { ANCHOR_PFN, MAX_RANGE_PAGES, RangeTree } from './range-tree.ts';

/** A constant of this module is folded into the code, an imported one is loaded on every access. */
const MOST_CACHED = MAX_CACHED_PAGES;
/** Pause between two reclaims from one depot (spec I26, I30). */
const DEPOT_DELAY_MILLIS = 100;

export interface IovaDomainOptions {
  /** Bytes in the smallest page, a power of two up to 4096 (spec I2, I3). */
  readonly granule?: number;
  /** Lowest page number ever handed out; 0 is never valid (spec I3). */
  readonly startPfn?: number;
}

/**
 * Hands out ranges of IO virtual page numbers as Linux 7.3 does, to the page (spec I1 to I34): a tree of what is taken,
 * searched downwards from a cursor, and in front of it caches of recently freed ranges. Every result is a page number,
 * 0 for failure; a limit is inclusive, a bound exclusive.
 */
export class IovaDomain {
  readonly granule: number;
  readonly startPfn: number;
  /** First page number at or above 4 GiB (spec I2). */
  readonly pfn32: number = 0;
  readonly #context: KernelContext;
  readonly #tree = new RangeTree();
  readonly #cache: RangeCache;
  /** Start of the range that a search goes down from, for all bounds and for those up to 4 GiB (spec I2, I12). */
  #cached = ANCHOR_PFN;
  #cached32 = ANCHOR_PFN;
  /** Size that is known not to fit below 4 GiB (spec I2, I13). */
  #max32 = 0;
  /** Requests answered by the tree. */
  treeAllocations = 0;
  /** When each class's depot is reclaimed next, in nanoseconds; infinity while nothing is scheduled (spec I26). */
  readonly #depotDue = new Float64Array(CACHE_CLASSES).fill(Number.POSITIVE_INFINITY);

  /** @throws {IommuUsageError} when the granule is no power of two up to a page, or the start is not above 0 */
  constructor(context: KernelContext, options: IovaDomainOptions = {}) {
    this.granule = options.granule ?? 4096;
    this.startPfn = options.startPfn ?? 1;
    if (!(this.granule >= 1 && this.granule <= 4096 && (this.granule & (this.granule - 1)) === 0)) {
      throw new IommuUsageError(`granule ${this.granule} must be a power of two up to 4096`);
    }
    if (!(Number.isInteger(this.startPfn) && this.startPfn >= 1)) {
      throw new IommuUsageError(`startPfn ${this.startPfn} must be a whole number from 1`);
    }
    this.pfn32 = 2 ** 32 / this.granule;
    this.#max32 = this.pfn32;
    this.#context = context;
    this.#cache = new RangeCache(context);
  }

  /**
   * A range of `pages` that ends at or below `limitPfn`: from this CPU's caches, else from the tree; with `flush`, once
   * more from the tree after every cached range went back to it (spec I22).
   */
  allocFast(pages: number, limitPfn: number, flush: boolean): number {
    if (pages > MOST_CACHED) return this.#allocUncached(pages, limitPfn, flush);
    const order = orderOf(pages);
    const cached = this.#cache.get(order, limitPfn + 1);
    return cached === 0 ? this.#allocUncached(1 << order, limitPfn, flush) : cached;
  }

  /** One cached page below `bound`; 0 where {@link allocFast} has to look further. */
  takePage(bound: number): number {
    return this.#cache.takePage(bound);
  }

  /** {@link freeFast} of `count` single pages, in this order. */
  freePages(pfns: readonly number[], from: number, count: number): void {
    if (this.#cache.putPages(pfns, from, count) > 0) this.#scheduleReclaim(0);
  }

  /** Makes a range reusable: cached on this CPU if its class is, else back to the tree (spec I23). */
  freeFast(pfn: number, pages: number): void {
    if (pages > MOST_CACHED) {
      this.treeFree(pfn);
      return;
    }
    const order = orderOf(pages);
    if (this.#cache.put(order, pfn) === 1) this.#scheduleReclaim(order);
  }

  /** Takes an aligned range that ends below `bound` from the tree (spec I12, I13). */
  treeAlloc(pages: number, bound: number): number {
    const below4g = bound <= this.pfn32;
    if (below4g && pages >= this.#max32) return 0;
    if (pages > MAX_RANGE_PAGES) return 0; // ours: 16 TiB in one piece
    const align = pages <= MAX_CACHED_PAGES ? 1 << orderOf(pages) : 2 ** Math.ceil(Math.log2(pages));
    const cursor = below4g ? this.#cached32 : this.#cached;
    let pfn = this.#tree.highestFit(Math.min(bound, cursor), this.startPfn, pages, align);
    if (pfn < 0) pfn = this.#retryAbove(cursor, pages, bound, align);
    if (pfn < 0) {
      this.#max32 = pages; // whatever the bound was (spec I13)
      return 0;
    }
    this.treeAllocations++;
    this.#tree.insert(pfn, pages);
    if (pfn + pages <= this.pfn32) this.#cached32 = pfn;
    else this.#cached = pfn;
    return pfn;
  }

  /** Gives the whole range that contains `pfn` back, and moves the cursors up (spec I16). Unknown page: nothing happens. */
  treeFree(pfn: number): void {
    const lo = this.#tree.find(pfn);
    if (lo < 0) return;
    const hi = lo + this.#tree.lengthOf(lo) - 1;
    const above = this.#tree.above(lo);
    if (lo === this.#cached32 || (hi < this.pfn32 && lo >= this.#cached32)) this.#cached32 = above;
    if (lo < this.pfn32) this.#max32 = this.pfn32;
    if (lo >= this.#cached) this.#cached = above;
    this.#tree.remove(lo);
  }

  /** Keeps [lo, hi] out of every allocation; overlaps with earlier ranges are merged away (spec I10). */
  reserve(lo: number, hi: number): void {
    let from = lo;
    let node = this.#tree.find(lo);
    if (node < 0) node = this.#tree.above(lo);
    while (node <= hi) {
      const last = node + this.#tree.lengthOf(node) - 1;
      if (from < node) this.#extendDown(node, from);
      if (hi <= last) return;
      from = last + 1;
      node = this.#tree.above(last);
    }
    // A node of ours is at most so long; adjacent ones keep allocations out just as well.
    for (; hi - from + 1 > MAX_RANGE_PAGES; from += MAX_RANGE_PAGES) this.#tree.insert(from, MAX_RANGE_PAGES);
    this.#tree.insert(from, hi - from + 1);
  }

  /**
   * Takes exactly this range, from a cache or from free space: for following a record where our own choice would differ.
   * False, and nothing changes, when part of it is taken otherwise.
   */
  claim(pfn: number, pages: number): boolean {
    const cacheable = pages <= MAX_CACHED_PAGES;
    if (cacheable && this.#cache.remove(orderOf(pages), pfn)) return true;
    const length = cacheable ? 1 << orderOf(pages) : pages;
    if (this.#tree.find(pfn) >= 0 || this.#tree.above(pfn) < pfn + length) return false;
    this.#tree.insert(pfn, length);
    if (pfn + length <= this.pfn32) this.#cached32 = pfn;
    else this.#cached = pfn;
    return true;
  }

  /** Becomes a copy of `other`, which has the same granule and CPUs. */
  copyFrom(other: IovaDomain): void {
    this.#tree.copyFrom(other.#tree);
    this.#cache.copyFrom(other.#cache);
    this.#cached = other.#cached;
    this.#cached32 = other.#cached32;
    this.#max32 = other.#max32;
    this.treeAllocations = other.treeAllocations;
    this.#depotDue.set(other.#depotDue);
  }

  /** Equal for domains that are equal, and rarely for others. */
  get signature(): number {
    return this.#tree.signature ^ this.#cache.signature;
  }

  /** Would answer every request as `other` does. */
  equals(other: IovaDomain): boolean {
    return (
      this.#cached32 === other.#cached32 &&
      this.#cached === other.#cached &&
      this.#max32 === other.#max32 &&
      this.#depotDue.every((due, order) => due === other.#depotDue[order]) &&
      this.#cache.equals(other.#cache) &&
      this.#tree.equals(other.#tree)
    );
  }

  /** Requests answered by a cache. */
  get cacheHits(): number {
    return this.#cache.hits;
  }

  /** Number of ranges in the tree: mapped, queued, cached and reserved ones. */
  get rangeCount(): number {
    return this.#tree.size;
  }

  /** The ranges in the tree, from the highest down. */
  ranges(): Iterable<{ readonly lo: number; readonly length: number }> {
    return this.#tree.ranges();
  }

  /** Start and class of every cached range (spec I251). */
  cachedRanges(): Iterable<{ readonly order: number; readonly pfn: number }> {
    return this.#cache.entries();
  }

  /** Full magazines in the depot of a class (spec I252). */
  depotSize(order: number): number {
    return this.#cache.depotSize(order);
  }

  /** Bytes that the tree of ranges takes. */
  get byteLength(): number {
    return this.#tree.byteLength;
  }

  /** Gives all cached ranges of all online CPUs and the depots back to the tree (spec I32). */
  flushCaches(): void {
    this.#cache.drainAll(this);
  }

  /** A CPU went offline: its cached ranges return to the tree (spec I34). */
  cpuDead(cpu: number): void {
    this.#context.online[cpu] = 0;
    this.#cache.drainCpu(cpu, this);
  }

  /** When the next depot reclaim is due, in nanoseconds; infinity if none is scheduled (spec I26). */
  get reclaimDue(): number {
    return Math.min(...this.#depotDue);
  }

  /** Runs the reclaim work of each class that is due by the context's time (spec I30). */
  runReclaim(): void {
    for (let order = 0; order < CACHE_CLASSES; order++) {
      if (this.#depotDue[order] > this.#context.nowNanos) continue;
      this.#depotDue[order] = Number.POSITIVE_INFINITY;
      if (this.#cache.depotSize(order) <= this.#context.onlineCpus) continue;
      this.#cache.drainDepotTop(order, this);
      this.#scheduleReclaim(order);
    }
  }

  #allocUncached(pages: number, limitPfn: number, flush: boolean): number {
    const pfn = this.treeAlloc(pages, limitPfn + 1);
    if (pfn !== 0 || !flush) return pfn;
    this.flushCaches();
    return this.treeAlloc(pages, limitPfn + 1);
  }

  /** The space below the cursor is exhausted: once more between the bound and the cursor (spec I13). */
  #retryAbove(cursor: number, pages: number, bound: number, align: number): number {
    if (cursor === ANCHOR_PFN) return -1;
    const low = cursor + this.#tree.lengthOf(cursor);
    return low <= bound ? this.#tree.highestFit(bound, low, pages, align) : -1;
  }

  #extendDown(node: number, lo: number): void {
    const length = this.#tree.lengthOf(node) + node - lo;
    assertInvariant(this.#tree.find(lo) < 0, `reserving from ${lo} extends a range over its neighbour`);
    this.#tree.remove(node);
    this.#tree.insert(lo, length);
    if (this.#cached === node) this.#cached = lo;
    if (this.#cached32 === node) this.#cached32 = lo;
  }

  /** If already pending the older deadline stands (spec I26). */
  #scheduleReclaim(order: number): void {
    if (this.#depotDue[order] === Number.POSITIVE_INFINITY) {
      this.#depotDue[order] = this.#context.timerDue(DEPOT_DELAY_MILLIS);
    }
  }
}
