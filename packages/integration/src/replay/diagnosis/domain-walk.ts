import { FLUSH_QUEUE_PER_CPU } from '@dmalab/iommu';
import { EventKind, type TraceLog } from '@dmalab/trace';
import { GRANULE, type IovaOperation, pageOf, pagesTouched } from '../iova/operation.ts';
import type { DomainAgreement } from '../iova.ts';
import { ExposureLog, type OpenExposure } from './exposure-log.ts';
import type { TimedFlush } from './flush-schedule.ts';
import type { FlushQueueUse, IovaUse } from './iova-use.ts';
import { MappedSpace } from './mapped-space.ts';
import { PeakTimeline, spanOf } from './timeline.ts';

/** One slot of a ring stays free (spec I99). */
const RING_ENTRIES = FLUSH_QUEUE_PER_CPU.slots - 1;

interface LiveRange {
  /** Physical pages, in order. */
  readonly pages: readonly number[];
  readonly bytesBeside: number;
}

interface Waiting extends OpenExposure {
  readonly cpu: number;
}

/** What of a domain's replay the walk passes on. */
export type WalkedDomain = Pick<DomainAgreement, 'devices' | 'mode' | 'compared' | 'cacheHits' | 'treeAllocations'>;

/** Follows a domain through the trace: what is mapped, what waits for its invalidation, and who could reach what. */
export class DomainWalk {
  readonly #log: TraceLog;
  readonly #operations: readonly IovaOperation[];
  readonly #domain: WalkedDomain;
  readonly #flushes: readonly TimedFlush[];
  readonly #space: MappedSpace;
  readonly #exposure: ExposureLog;
  readonly #waitingOverTime: PeakTimeline;
  readonly #live = new Map<number, LiveRange>();
  /** In no ring any more, or still in one. */
  #waiting: Waiting[] = [];
  readonly #inRing: number[] = [];
  #nextFlush = 0;
  #forced = 0;
  #queued = 0;
  #mostWaiting = 0;
  #mostWaitingLine = 0;

  constructor(
    log: TraceLog,
    operations: readonly IovaOperation[],
    domain: WalkedDomain,
    flushes: readonly TimedFlush[],
  ) {
    this.#log = log;
    this.#operations = operations;
    this.#domain = domain;
    this.#flushes = flushes;
    const span = spanOf(log);
    this.#space = new MappedSpace(span);
    this.#exposure = new ExposureLog(span);
    this.#waitingOverTime = new PeakTimeline(span);
  }

  run(): IovaUse {
    for (const operation of this.#operations) {
      this.#runTimer(operation.event);
      if (operation.kind === 'alloc') this.#map(operation);
      else this.#unmap(operation);
    }
    const { devices, mode, compared, cacheHits, treeAllocations } = this.#domain;
    const stillWaiting = this.#waiting.length;
    this.#endAll(spanOf(this.#log).endMicros);
    return {
      devices,
      mode,
      allocations: compared,
      fromCaches: cacheHits,
      fromTree: treeAllocations,
      ...this.#space.finish(),
      lowestPage: this.#space.lowestPage,
      flushQueue: mode === 'lazy' ? this.#flushQueue(stillWaiting) : null,
      exposure: this.#exposure.finish(),
    };
  }

  #map(operation: IovaOperation): void {
    const range = this.#rangeOf(operation);
    this.#live.set(operation.pfn, range);
    this.#space.map(operation);
    this.#exposure.mapped(range.pages, operation.line);
    this.#exposure.beside(range.bytesBeside, operation.line);
  }

  #unmap(operation: IovaOperation): void {
    const { pfn, line, cpu, timeMicros, twoStep } = operation;
    const range = this.#live.get(pfn);
    this.#live.delete(pfn);
    this.#space.unmap(operation);
    if (range !== undefined) this.#exposure.beside(-range.bytesBeside, line);
    if (twoStep || this.#domain.mode === 'strict') {
      this.#exposure.unmappedAtOnce();
      return;
    }
    this.#queue({ pages: range?.pages ?? [], line, sinceMicros: timeMicros, cpu });
  }

  #queue(entry: Waiting): void {
    const { cpu, line, sinceMicros } = entry;
    // A full ring is flushed at once, and that invalidation covers what waits in the other rings too (spec I105).
    if ((this.#inRing[cpu] ?? 0) >= RING_ENTRIES) {
      this.#forced++;
      this.#endAll(sinceMicros);
      this.#inRing[cpu] = 0;
    }
    this.#queued++;
    this.#inRing[cpu] = (this.#inRing[cpu] ?? 0) + 1;
    this.#waiting.push(entry);
    this.#exposure.open(entry);
    this.#waitingOverTime.set(sinceMicros, this.#waiting.length);
    if (this.#waiting.length <= this.#mostWaiting) return;
    this.#mostWaiting = this.#waiting.length;
    this.#mostWaitingLine = line;
  }

  #runTimer(event: number): void {
    for (; this.#nextFlush < this.#flushes.length; this.#nextFlush++) {
      const flush = this.#flushes[this.#nextFlush];
      if (flush.beforeEvent > event) return;
      this.#endAll(flush.micros);
      this.#inRing.fill(0);
    }
  }

  #endAll(micros: number): void {
    for (const entry of this.#waiting) this.#exposure.close(entry, micros);
    this.#waiting = [];
    this.#waitingOverTime.set(micros, 0);
  }

  #flushQueue(stillWaiting: number): FlushQueueUse {
    return {
      timerFlushes: this.#flushes.length,
      forcedFlushes: this.#forced,
      rangesQueued: this.#queued,
      mostWaiting: this.#mostWaiting,
      mostWaitingLine: this.#mostWaitingLine,
      stillWaiting,
      waiting: this.#waitingOverTime.finish(),
    };
  }

  #rangeOf({ events, call, pages }: IovaOperation): LiveRange {
    const log = this.#log;
    const physPages: number[] = [];
    for (const event of events) {
      const first = pageOf(log.phys(event));
      const count = pagesTouched(log.phys(event), log.size(event));
      for (let page = 0; page < count; page++) physPages.push(first + page);
    }
    // Only single mappings tell their buffer exactly; a bounced one lies elsewhere, between zeros (spec I229).
    const isSingle = call >= 0 && log.kind(call) === EventKind.DMA_MAP_PHYS;
    const isOwn = isSingle && pageOf(log.phys(call)) === physPages[0];
    return { pages: physPages, bytesBeside: isOwn ? pages * GRANULE - log.size(call) : 0 };
  }
}
