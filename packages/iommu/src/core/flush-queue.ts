import type { IovaDomain } from '../iova/iova-domain.ts';
import type { IotlbGather } from './iotlb-gather.ts';
import type { KernelContext } from './kernel-context.ts';
import type { PagingDomain } from './paging-domain.ts';

export interface FlushQueueOptions {
  /** Slots of a ring, a power of two; one stays free (spec I98, I99). */
  readonly slots: number;
  readonly timeoutMillis: number;
  /** One ring that all CPUs share instead of one each (spec I98). */
  readonly shared: boolean;
}

/** The usual shape: a ring for each CPU (spec I98). */
export const FLUSH_QUEUE_PER_CPU: FlushQueueOptions = { slots: 256, timeoutMillis: 10, shared: false };
/** Where an invalidation is dear, as under a hypervisor that shadows the tables (spec I98). */
export const FLUSH_QUEUE_SHARED: FlushQueueOptions = { slots: 32768, timeoutMillis: 1000, shared: true };

/**
 * Ranges that are unmapped but not yet invalidated (spec I96 to I110). One invalidation of the whole domain covers them
 * all: when a timer fires, or when a ring is full.
 *
 * Invariant: no range leaves a ring for the IOVA domain before an invalidation of the domain that started after it was
 * queued (spec I227, I254). Kept by the counters; checked in flush-queue.test.ts.
 */
export class FlushQueue {
  readonly #context: KernelContext;
  readonly #iova: IovaDomain;
  readonly #paging: PagingDomain;
  readonly #shared: boolean;
  readonly #slots: number;
  readonly #timeoutMillis: number;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  readonly #pfns: Float64Array;
  readonly #pages: Uint32Array;
  /** Flushes that had started when the entry was queued; 32 bits that wrap, so compared by difference. */
  readonly #counters: Int32Array;
  /** Table pages that wait with an entry (spec I108), for the few that have any. */
  readonly #tablePages = new Map<number, Float64Array>();
  /** Flushes started and finished (spec I96). */
  #started = 0;
  #finished = 0;
  #timerDue = Number.POSITIVE_INFINITY;
  #armed = false;

  constructor(context: KernelContext, iova: IovaDomain, paging: PagingDomain, options = FLUSH_QUEUE_PER_CPU) {
    this.#context = context;
    this.#iova = iova;
    this.#paging = paging;
    this.#shared = options.shared;
    this.#slots = options.slots;
    this.#timeoutMillis = options.timeoutMillis;
    const rings = options.shared ? 1 : context.possibleCpus;
    this.#heads = new Int32Array(rings);
    this.#tails = new Int32Array(rings);
    this.#pfns = new Float64Array(rings * options.slots);
    this.#pages = new Uint32Array(rings * options.slots);
    this.#counters = new Int32Array(rings * options.slots);
  }

  /** When the timer fires, in nanoseconds; infinity while it is off (spec I101, I103). */
  get timerDue(): number {
    return this.#timerDue;
  }

  /** Invalidations of the whole domain so far. */
  get flushes(): number {
    return this.#finished;
  }

  /** Entries that wait in all rings. */
  get waiting(): number {
    let count = 0;
    for (let ring = 0; ring < this.#heads.length; ring++) {
      count += (this.#tails[ring] - this.#heads[ring]) & (this.#slots - 1);
    }
    return count;
  }

  /**
   * Puts a range whose page-table entries are clear on this CPU's ring (spec I100).
   * @param gather table pages that wait with it; null for none
   */
  queue(pfn: number, pages: number, gather: IotlbGather | null): void {
    const ring = this.#shared ? 0 : this.#context.cpu;
    const mask = this.#slots - 1;
    const base = ring * this.#slots;
    let tail = this.#tails[ring];
    if (tail !== this.#heads[ring]) {
      // A look at the oldest entry spares the call that nearly always would free nothing.
      if (((this.#counters[base + this.#heads[ring]] - this.#finished) | 0) < 0) this.#freeFlushed(ring);
      if (((tail + 1) & mask) === this.#heads[ring]) this.#flushFull(ring);
    }
    const at = base + tail;
    this.#pfns[at] = pfn;
    this.#pages[at] = pages;
    this.#counters[at] = this.#started;
    if (gather !== null && gather.tablePageCount > 0) this.#keepTablePages(at, gather);
    tail = (tail + 1) & mask;
    this.#tails[ring] = tail;
    if (!this.#armed) this.#arm();
  }

  /** The timer's body, run on the context's CPU: flushes, then drains every ring into this CPU's caches (spec I102). */
  runTimer(): void {
    this.#disarm();
    this.#flush();
    for (let ring = 0; ring < this.#heads.length; ring++) this.#freeFlushed(ring);
  }

  /** The domain goes away: table pages are freed, ranges forgotten with the tree (spec I110). */
  destroy(): void {
    this.#disarm();
    for (const at of this.#tablePages.keys()) this.#freeTablePages(at);
    this.#heads.set(this.#tails);
  }

  /** Becomes a copy of `other`, which has the same shape; table pages stay with the original. */
  copyFrom(other: FlushQueue): void {
    this.#heads.set(other.#heads);
    this.#tails.set(other.#tails);
    for (let ring = 0; ring < this.#heads.length; ring++) this.#copyRing(other, ring);
    this.#started = other.#started;
    this.#finished = other.#finished;
    this.#timerDue = other.#timerDue;
    this.#armed = other.#armed;
  }

  /** Holds the same ranges in the same order, to be freed at the same time. */
  equals(other: FlushQueue): boolean {
    if (this.#timerDue !== other.#timerDue) return false;
    for (let ring = 0; ring < this.#heads.length; ring++) if (!this.#sameRing(other, ring)) return false;
    return true;
  }

  /** The ranges that wait, ring by ring, oldest first. */
  *entries(): Generator<{ readonly ring: number; readonly pfn: number; readonly pages: number }> {
    for (let ring = 0; ring < this.#heads.length; ring++) {
      for (let head = this.#heads[ring]; head !== this.#tails[ring]; head = (head + 1) & (this.#slots - 1)) {
        const at = ring * this.#slots + head;
        yield { ring, pfn: this.#pfns[at], pages: this.#pages[at] };
      }
    }
  }

  /** An entry queued while this runs carries the new start count, so this flush does not free it (spec I104). */
  #flush(): void {
    this.#started = (this.#started + 1) | 0;
    this.#paging.flushIotlbAll();
    this.#finished = (this.#finished + 1) | 0;
  }

  /** The ring is full: flushes and drains it. The timer stays armed (spec I105). */
  #flushFull(ring: number): void {
    this.#flush();
    this.#freeFlushed(ring);
  }

  #arm(): void {
    this.#armed = true;
    this.#timerDue = this.#context.timerDue(this.#timeoutMillis);
  }

  #disarm(): void {
    this.#armed = false;
    this.#timerDue = Number.POSITIVE_INFINITY;
  }

  /** Frees from the head on what a finished flush covers: the newest unmapped range ends on top of its cache (spec I106). */
  #freeFlushed(ring: number): void {
    const iova = this.#iova;
    const pfns = this.#pfns;
    const pages = this.#pages;
    const counters = this.#counters;
    const finished = this.#finished;
    const mask = this.#slots - 1;
    const base = ring * this.#slots;
    const tail = this.#tails[ring];
    let head = this.#heads[ring];
    while (head !== tail) {
      const at = base + head;
      if (((counters[at] - finished) | 0) >= 0) break;
      if (this.#tablePages.size > 0) this.#freeTablePages(at);
      iova.freeFast(pfns[at], pages[at]);
      head = (head + 1) & mask;
    }
    this.#heads[ring] = head;
  }

  #copyRing(other: FlushQueue, ring: number): void {
    for (let head = other.#heads[ring]; head !== other.#tails[ring]; head = (head + 1) & (this.#slots - 1)) {
      const at = ring * this.#slots + head;
      this.#pfns[at] = other.#pfns[at];
      this.#pages[at] = other.#pages[at];
      this.#counters[at] = other.#counters[at];
    }
  }

  #sameRing(other: FlushQueue, ring: number): boolean {
    const mask = this.#slots - 1;
    const waiting = (this.#tails[ring] - this.#heads[ring]) & mask;
    if (waiting !== ((other.#tails[ring] - other.#heads[ring]) & mask)) return false;
    for (let i = 0; i < waiting; i++) {
      const mine = ring * this.#slots + ((this.#heads[ring] + i) & mask);
      const theirs = ring * this.#slots + ((other.#heads[ring] + i) & mask);
      const flushed = ((this.#counters[mine] - this.#finished) | 0) < 0;
      if (flushed !== ((other.#counters[theirs] - other.#finished) | 0) < 0) return false;
      if (this.#pfns[mine] !== other.#pfns[theirs] || this.#pages[mine] !== other.#pages[theirs]) return false;
    }
    return true;
  }

  #keepTablePages(at: number, gather: IotlbGather): void {
    this.#tablePages.set(at, gather.tablePages.slice(0, gather.tablePageCount));
  }

  #freeTablePages(at: number): void {
    const pages = this.#tablePages.get(at);
    if (pages === undefined) return;
    this.#paging.freeTablePages(pages, pages.length);
    this.#tablePages.delete(at);
  }
}
