import { EventKind, type TraceLog } from '@dmalab/trace';
import type { Bounce, BounceHistory, Outcome, Step } from './bounce.ts';
import { LiveBounces } from './live-bounces.ts';
import { CpuOrder, contextOf } from './trace-context.ts';

const PAGE = 4096;
const FAILED = -1;

/** Where the pool lies, if that is known: tells a bounce buffer from the caller's own page. */
export interface PoolRange {
  readonly start: number;
  readonly end: number;
}

/** Reads out of a trace which mappings bounced, with what result, and when each was freed. */
export function readBounceHistory(log: TraceLog, range?: PoolRange): BounceHistory {
  const reader = new HistoryReader(log, range);
  for (let i = 0; i < log.length; i++) reader.read(i);
  return reader.finish();
}

class HistoryReader {
  readonly #log: TraceLog;
  readonly #range: PoolRange | undefined;
  readonly #order: CpuOrder;
  readonly #live = new LiveBounces();
  readonly #bounces: Bounce[] = [];
  readonly #steps: Step[] = [];
  readonly #mapSteps: Step[] = [];
  readonly #behindIommu = new Set<string>();
  /** Bounced mappings whose result is still to come, by who makes them. */
  readonly #pending = new Map<string, Bounce[]>();

  constructor(log: TraceLog, range: PoolRange | undefined) {
    this.#log = log;
    this.#range = range;
    this.#order = new CpuOrder(log);
  }

  read(i: number): void {
    this.#order.arrive(i);
    const context = contextOf(this.#log, i);
    const pending = this.#pending.get(context) ?? [];
    switch (this.#log.kind(i)) {
      case EventKind.SWIOTLB_BOUNCED:
        this.#readBounced(i, context, pending);
        break;
      case EventKind.MAP:
        this.#readIommuMap(i, pending);
        break;
      case EventKind.DMA_MAP_PHYS:
        this.#readMapPhys(i, pending);
        break;
      case EventKind.DMA_MAP_SG:
        this.#readMapSg(i, pending);
        break;
      default:
        this.#endCall(i, pending);
        this.#readFree(i);
    }
    this.#order.leave(i);
  }

  finish(): BounceHistory {
    for (const pending of this.#pending.values()) this.#abandon(this.#log.length, pending);
    const steps = this.#steps.toSorted((a, b) => a.at - b.at);
    return { bounces: this.#bounces, steps, behindIommu: this.#behindIommu };
  }

  #readBounced(i: number, context: string, pending: Bounce[]): void {
    const log = this.#log;
    const device = log.device(i);
    const last = pending.at(-1);
    // Behind an IOMMU each mapping shows its result before the next begins; on the direct path a list goes on.
    if (last !== undefined && (last.device !== device || this.#behindIommu.has(device))) this.#abandon(i, pending);
    else if (last !== undefined) this.#mapSteps[last.id].until = i;
    const bounce: Bounce = {
      id: this.#bounces.length,
      event: i,
      line: log.line(i),
      device,
      orig: log.address(i),
      size: log.size(i),
      cpu: log.cpu(i),
      outcome: 'failed',
      place: FAILED,
    };
    this.#bounces.push(bounce);
    const step = { bounce, isFree: false, at: i, from: i, until: Number.POSITIVE_INFINITY, after: null };
    this.#mapSteps.push(step);
    this.#steps.push(step);
    pending.push(bounce);
    this.#pending.set(context, pending);
  }

  /** The IOMMU maps the granules of a bounce buffer right after it got them. */
  #readIommuMap(i: number, pending: Bounce[]): void {
    const log = this.#log;
    const bounce = pending.at(-1);
    if (bounce === undefined) return;
    const start = log.phys(i);
    if (!this.#mapsBounce(bounce, start, log.size(i))) {
      this.#endCall(i, pending);
      return;
    }
    pending.pop();
    this.#endCall(i, pending);
    this.#behindIommu.add(bounce.device);
    this.#settle(bounce, 'granule', start, i);
    this.#live.addIova(log.address(i), bounce);
  }

  #mapsBounce({ orig, size }: Bounce, start: number, mapped: number): boolean {
    const inPool = this.#range === undefined || (start >= this.#range.start && start < this.#range.end);
    // A device whose alignment mask keeps no page offset has its buffer at the granule's start (spec S106).
    const fits = mapped === granules(size) || mapped === granules(size + (orig % PAGE));
    return inPool && fits && start !== orig - (orig % PAGE);
  }

  #readMapPhys(i: number, pending: Bounce[]): void {
    const log = this.#log;
    const at = pending.findLastIndex(
      ({ device, orig, size }) => device === log.device(i) && orig === log.phys(i) && size === log.size(i),
    );
    const bounce = pending[at];
    if (bounce !== undefined) {
      pending.splice(at, 1);
      const address = log.address(i);
      if (address === FAILED) {
        this.#settle(bounce, 'failed', FAILED, i);
      } else {
        this.#settle(bounce, 'address', address, i);
        this.#live.addAddress(address, bounce);
      }
    }
    this.#endCall(i, pending);
  }

  /** A list that was mapped: its entries are the last of what is pending. Entries that did not bounce are skipped. */
  #readMapSg(i: number, pending: Bounce[]): void {
    const log = this.#log;
    const entries: number[] = [];
    for (let k = 0; k < log.dmaCount(i); k++) if (log.dmaAddrAt(i, k) !== log.physAt(i, k)) entries.push(k);
    const first = this.#startOfList(i, entries, pending);
    const list = pending.splice(first);
    this.#endCall(i, pending);
    for (const [k, bounce] of list.entries()) {
      const entry = entries[k];
      // The event shows 128 entries at most: those behind are mapped at an address that nobody printed.
      if (entry === undefined) this.#settle(bounce, 'mapped', FAILED, i);
      else this.#settle(bounce, 'address', log.dmaAddrAt(i, entry), i);
    }
    if (list.length > 0) this.#live.addList(log.device(i), this.#physList(i), list);
  }

  /** Where in what is pending the mapped list begins: attempts that failed may stand before it. */
  #startOfList(i: number, entries: readonly number[], pending: readonly Bounce[]): number {
    const log = this.#log;
    for (let first = pending.length - entries.length; first >= 0; first--) {
      const fits = entries.every((entry, k) => pending[first + k].orig === log.physAt(i, entry));
      if (fits && entries.length > 0 && pending[first].device === log.device(i)) return first;
    }
    return pending.length;
  }

  #readFree(i: number): void {
    const log = this.#log;
    switch (log.kind(i)) {
      case EventKind.UNMAP: {
        const freed = this.#live.takeIovas(log.address(i), log.end(i));
        this.#free(i, freed, this.#order.before(i), true); // before or after the event, by the interface (spec S64, S107)
        break;
      }
      case EventKind.DMA_UNMAP_PHYS:
        this.#free(i, this.#live.takeAddress(log.address(i)), this.#order.before(i), false);
        break;
      case EventKind.DMA_UNMAP_SG:
        this.#free(i, this.#live.takeList(log.device(i), this.#physList(i)), i, true); // the event comes first (spec S98)
        break;
      default:
    }
  }

  #free(i: number, bounces: readonly Bounce[], from: number, mayFollow: boolean): void {
    let after: Step | null = null;
    for (const bounce of bounces) {
      const step: Step = { bounce, isFree: true, at: i, from, until: mayFollow ? Number.POSITIVE_INFINITY : i, after };
      if (mayFollow) this.#order.untilNext(i, step);
      this.#steps.push(step);
      after = step;
    }
  }

  /** The call that these belong to is over, and nothing came of it; unless event `i` is an interrupt that doesn't show. */
  #endCall(i: number, pending: Bounce[]): void {
    if (this.#log.flags(i) !== '') this.#abandon(i, pending);
  }

  #settle(bounce: Bounce, outcome: Outcome, place: number, i: number): void {
    bounce.outcome = outcome;
    bounce.place = place;
    const step = this.#mapSteps[bounce.id];
    if (step.until > i) step.until = i;
  }

  /**
   * Empties `pending`: those mappings came to nothing. On the direct path they were lists, each of which failed at its
   * last entry and gave back those before it (spec S27); a repeated first entry begins another attempt.
   */
  #abandon(i: number, pending: Bounce[]): void {
    while (pending.length > 0) {
      const { orig, size, device } = pending[0];
      const again = pending.findIndex((next, k) => k > 0 && next.orig === orig && next.size === size);
      const single = this.#behindIommu.has(device);
      this.#giveBack(i, pending.splice(0, single ? 1 : again < 0 ? pending.length : again));
    }
  }

  #giveBack(i: number, attempt: readonly Bounce[]): void {
    const failed = attempt[attempt.length - 1];
    this.#settle(failed, 'failed', FAILED, i);
    let after = this.#mapSteps[failed.id];
    const { until } = after;
    for (const bounce of attempt.slice(0, -1)) {
      this.#settle(bounce, 'mapped', FAILED, i);
      const step = { bounce, isFree: true, at: failed.event, from: failed.event, until, after };
      this.#steps.push(step);
      after = step;
    }
  }

  #physList(i: number): number[] {
    return Array.from({ length: this.#log.physCount(i) }, (_, k) => this.#log.physAt(i, k));
  }
}

function granules(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}
