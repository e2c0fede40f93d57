import type { IovaDomain } from '../iova/iova-domain.ts';
import { FlushRing } from './flush-ring.ts';
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
  /** CPU numbers to ring numbers: all ones, or 0 where one ring is shared. */
  readonly #ringMask: number = 0;
  readonly #timeoutMillis: number;
  readonly #rings: readonly FlushRing[];
  /** Table pages that wait with a range (spec I108), for the few that have any, by {@link #tableKey}. */
  readonly #tablePages = new Map<number, Float64Array>();
  /** Flushes started and finished (spec I96); 32 bits that wrap. */
  #started = 0;
  #finished = 0;
  #timerDue = Number.POSITIVE_INFINITY;
  #armed = false;

  constructor(context: KernelContext, iova: IovaDomain, paging: PagingDomain, options = FLUSH_QUEUE_PER_CPU) {
    this.#context = context;
    this.#iova = iova;
    this.#paging = paging;
    this.#ringMask = options.shared ? 0 : -1;
    this.#timeoutMillis = options.timeoutMillis;
    const length = options.shared ? 1 : context.possibleCpus;
    this.#rings = Array.from({ length }, () => new FlushRing(options.slots));
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
    for (const ring of this.#rings) count += ring.waiting;
    return count;
  }

  /**
   * Puts a range whose page-table entries are clear on this CPU's ring (spec I100).
   * @param gather table pages that wait with it; null for none
   */
  queue(pfn: number, pages: number, gather: IotlbGather | null): void {
    const ring = this.#rings[this.#context.cpu & this.#ringMask];
    const { tail } = ring;
    const next = (tail + 1) & ring.mask;
    if (ring.head === tail) this.#arm();
    else if (ring.drainedAt !== this.#finished || ring.head === next) this.#makeRoom(ring, next);
    ring.pfns[tail] = pfn;
    ring.pages[tail] = pages;
    ring.counters[tail] = this.#started;
    ring.tail = next;
    if (gather !== null && gather.tablePageCount > 0) this.#keepTablePages(ring, tail, gather);
  }

  /** The timer's body, run on the context's CPU: flushes, then drains every ring into this CPU's caches (spec I102). */
  runTimer(): void {
    this.#disarm();
    this.#flush();
    for (const ring of this.#rings) this.#freeFlushed(ring);
  }

  /** The domain goes away: table pages are freed, ranges forgotten with the tree (spec I110). */
  destroy(): void {
    this.#disarm();
    for (const key of this.#tablePages.keys()) this.#freeTablePages(key);
    for (const ring of this.#rings) ring.head = ring.tail;
  }

  /** Becomes a copy of `other`, which has the same shape; table pages stay with the original. */
  copyFrom(other: FlushQueue): void {
    for (const [number, ring] of this.#rings.entries()) ring.copyFrom(other.#rings[number]);
    this.#started = other.#started;
    this.#finished = other.#finished;
    this.#timerDue = other.#timerDue;
    this.#armed = other.#armed;
  }

  /** Holds the same ranges in the same order, to be freed at the same time. */
  equals(other: FlushQueue): boolean {
    if (this.#timerDue !== other.#timerDue) return false;
    return this.#rings.every((ring, i) => ring.equals(other.#rings[i], this.#finished, other.#finished));
  }

  /** The ranges that wait, ring by ring, oldest first. */
  *entries(): Generator<{ readonly ring: number; readonly pfn: number; readonly pages: number }> {
    for (const [number, ring] of this.#rings.entries()) {
      for (let i = 0; i < ring.waiting; i++) {
        const slot = ring.slotOf(i);
        yield { ring: number, pfn: ring.pfns[slot], pages: ring.pages[slot] };
      }
    }
  }

  /** An entry queued while this runs carries the new start count, so this flush does not free it (spec I104). */
  #flush(): void {
    this.#started = (this.#started + 1) | 0;
    this.#paging.flushIotlbAll();
    this.#finished = (this.#finished + 1) | 0;
  }

  /** Takes out what has been flushed; a ring that is full all the same is flushed. The timer stays armed (spec I105). */
  #makeRoom(ring: FlushRing, next: number): void {
    this.#freeFlushed(ring);
    if (ring.head !== next) return;
    this.#flush();
    this.#freeFlushed(ring);
  }

  /** Nothing to do while the timer runs; whoever queued first in a ring that isn't empty has seen to it. */
  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#timerDue = this.#context.timerDue(this.#timeoutMillis);
  }

  #disarm(): void {
    this.#armed = false;
    this.#timerDue = Number.POSITIVE_INFINITY;
  }

  /** Frees from the head on what a finished flush covers: the newest unmapped range ends on top of its cache (spec I106). */
  #freeFlushed(ring: FlushRing): void {
    ring.drainedAt = this.#finished;
    while (ring.head !== ring.tail) {
      const run = this.#tablePages.size > 0 ? 0 : ring.flushedPages(this.#finished);
      if (run > 0) this.#iova.freePages(ring.pfns, ring.head, run);
      else if (ring.isFlushed(ring.head, this.#finished)) this.#freeOldest(ring);
      else return;
      ring.head = (ring.head + Math.max(run, 1)) & ring.mask;
    }
  }

  #freeOldest(ring: FlushRing): void {
    if (this.#tablePages.size > 0) this.#freeTablePages(this.#tableKey(ring, ring.head));
    this.#iova.freeFast(ring.pfns[ring.head], ring.pages[ring.head]);
  }

  /** Rings have the same length. */
  #tableKey(ring: FlushRing, slot: number): number {
    return this.#rings.indexOf(ring) * (ring.mask + 1) + slot;
  }

  #keepTablePages(ring: FlushRing, slot: number, gather: IotlbGather): void {
    this.#tablePages.set(this.#tableKey(ring, slot), gather.tablePages.slice(0, gather.tablePageCount));
  }

  #freeTablePages(key: number): void {
    const pages = this.#tablePages.get(key);
    if (pages === undefined) return;
    this.#paging.freeTablePages(pages, pages.length);
    this.#tablePages.delete(key);
  }
}
