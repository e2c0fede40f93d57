import { KernelContext } from '@dmalab/iommu';
import type { TraceLog } from '@dmalab/trace';
import { type Assumption, Hypothesis } from './hypothesis.ts';
import type { MachineFacts } from './machine-facts.ts';
import { moveWindows } from './move-window.ts';
import type { IovaOperation } from './operation.ts';

export interface SearchOptions {
  readonly lazy: boolean;
  /** Let allocations move past other tasks and CPUs too, and flushes be later than a healthy machine's. */
  readonly wide: boolean;
  /** Let the flush timer run on any CPU, not only on the one that armed it. */
  readonly anyCpu: boolean;
  /** Stop when so many allocations are left unexplained. */
  readonly giveUpAt?: number;
  /** Flush exactly here, by line, instead of searching. */
  readonly flushes?: readonly { readonly line: number; readonly cpu: number }[];
}

/** An allocation that no hypothesis explains. */
export interface Residual {
  readonly line: number;
  readonly pages: number;
  /** Page number in the trace, and those that the allocator gave instead. */
  readonly traced: number;
  readonly modelled: readonly number[];
}

export interface SearchResult {
  readonly compared: number;
  readonly residuals: readonly Residual[];
  /** Oldest first. */
  readonly assumptions: readonly Assumption[];
  /** The most hypotheses that were alive at once. */
  readonly widest: number;
  readonly cacheHits: number;
  readonly treeAllocations: number;
}

/** A timer of 10 ms never fires earlier, at no tick rate; the event that armed it is printed a little before (spec I103, I244). */
const FLUSH_EARLIEST_MICROS = 9_900;
const FLUSH_LATEST_MICROS = 30_000;
const FLUSH_LATEST_WIDE_MICROS = 250_000;
/** How far a depot reclaim may be from its computed instant: the tick's phase is unknown (spec I31). */
const RECLAIM_SLACK_NANOS = 5e6;
const MAX_HYPOTHESES = 256;
/** A wide search splits at every step. */
const MAX_HYPOTHESES_WIDE = 48;

/**
 * Follows the sequence of requests with a set of hypotheses, and drops each that hands out another address than the
 * kernel did (spec I243, I244). Deterministic; equal hypotheses are merged, so the set stays small.
 */
export class AddressSearch {
  readonly #operations: readonly IovaOperation[];
  readonly #facts: MachineFacts;
  readonly #options: SearchOptions;
  readonly #context: KernelContext;
  readonly #devices: readonly string[];
  readonly #windows: readonly (readonly number[])[];
  readonly #spare: Hypothesis[] = [];
  readonly #residuals: Residual[] = [];
  #alive: Hypothesis[];
  #compared = 0;
  #widest = 1;
  #flushAt = 0;

  constructor(log: TraceLog, operations: readonly IovaOperation[], facts: MachineFacts, options: SearchOptions) {
    this.#operations = operations;
    this.#facts = facts;
    this.#options = options;
    this.#context = new KernelContext({ possibleCpus: facts.cpus, hz: facts.hz });
    this.#devices = [...new Set(operations.map(({ device }) => device))];
    this.#windows = moveWindows(log, operations, options.wide);
    this.#alive = [this.#newHypothesis()];
  }

  run(): SearchResult {
    this.#adoptEarlierRanges();
    const giveUpAt = this.#options.giveUpAt ?? Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#operations.length && this.#residuals.length < giveUpAt; index++)
      this.#step(index);
    const end = this.#operations.at(-1)?.timeMicros ?? 0;
    for (const hypothesis of this.#alive) hypothesis.end(end);
    const best = this.#alive.reduce((a, b) => (b.isPlainerThan(a) ? b : a));
    return {
      compared: this.#compared,
      residuals: this.#residuals,
      assumptions: oldestFirst(best.assumptions),
      widest: this.#widest,
      cacheHits: best.domain.iova.cacheHits,
      treeAllocations: best.domain.iova.treeAllocations,
    };
  }

  #step(index: number): void {
    const operation = this.#operations[index];
    this.#reclaimDepots(operation);
    if (this.#options.flushes !== undefined) this.#flushOnSchedule(operation, this.#options.flushes);
    else if (this.#options.lazy) this.#considerFlush(operation, index);
    for (const later of this.#windows[index]) this.#considerMove(later, operation);
    if (operation.kind === 'free') for (const hypothesis of this.#alive) hypothesis.release(operation);
    else this.#allocate(index, operation);
    this.#merge();
    this.#widest = Math.max(this.#widest, this.#alive.length);
  }

  #allocate(index: number, operation: IovaOperation): void {
    this.#compared++;
    const device = this.#devices.indexOf(operation.device);
    const right: Hypothesis[] = [];
    const wrong: { hypothesis: Hypothesis; pfn: number; fromTree: boolean }[] = [];
    for (const hypothesis of this.#alive) {
      if (hypothesis.ahead.includes(index)) {
        hypothesis.ahead = hypothesis.ahead.filter((other) => other !== index);
        right.push(hypothesis);
        continue;
      }
      const fromTreeBefore = hypothesis.domain.iova.treeAllocations;
      const pfn = hypothesis.allocate(operation, device);
      if (pfn === operation.pfn) right.push(hypothesis);
      else wrong.push({ hypothesis, pfn, fromTree: hypothesis.domain.iova.treeAllocations !== fromTreeBefore });
    }
    if (right.length > 0) {
      for (const { hypothesis } of wrong) this.#spare.push(hypothesis);
      this.#alive = right;
      return;
    }
    const modelled = [...new Set(wrong.map(({ pfn }) => pfn))];
    this.#residuals.push({ line: operation.line, pages: operation.pages, traced: operation.pfn, modelled });
    // Follow the trace from here on: give our choice back and take the kernel's.
    for (const { hypothesis, pfn, fromTree } of wrong) {
      if (fromTree) hypothesis.domain.iova.treeFree(pfn);
      else if (pfn !== 0) hypothesis.domain.iova.freeFast(pfn, operation.pages);
      hypothesis.domain.iova.claim(operation.pfn, operation.pages);
    }
  }

  /** An allocation whose map event comes later may have happened before this operation. */
  #considerMove(later: number, before: IovaOperation): void {
    const operation = this.#operations[later];
    const device = this.#devices.indexOf(operation.device);
    for (const hypothesis of this.#alive.slice()) {
      if (hypothesis.ahead.includes(later)) continue;
      const moved = this.#copyOf(hypothesis);
      if (moved.allocate(operation, device) !== operation.pfn) {
        this.#spare.push(moved);
        continue;
      }
      moved.ahead = [...moved.ahead, later];
      moved.assumeMoved(operation, before);
      this.#alive.push(moved);
    }
  }

  /** The flush timer may have fired since the operation before (spec I244). */
  #considerFlush(operation: IovaOperation, index: number): void {
    const after = index > 0 ? this.#operations[index - 1].timeMicros : operation.timeMicros;
    const latest = this.#options.wide ? FLUSH_LATEST_WIDE_MICROS : FLUSH_LATEST_MICROS;
    const overdue: Hypothesis[] = [];
    const kept: Hypothesis[] = [];
    for (const hypothesis of this.#alive) {
      const waited = operation.timeMicros - hypothesis.armedMicros;
      (waited > latest ? overdue : kept).push(hypothesis);
      if (waited < FLUSH_EARLIEST_MICROS || hypothesis.armedMicros === Number.POSITIVE_INFINITY) continue;
      for (let cpu = 0; cpu < this.#facts.cpus; cpu++) {
        if (!this.#options.anyCpu && cpu !== hypothesis.armedCpu) continue;
        const flushed = this.#copyOf(hypothesis);
        flushed.flushBefore(operation, cpu, after);
        kept.push(flushed);
      }
    }
    this.#spare.push(...overdue);
    this.#alive = kept;
  }

  #flushOnSchedule(operation: IovaOperation, flushes: readonly { line: number; cpu: number }[]): void {
    for (; this.#flushAt < flushes.length && operation.line >= flushes[this.#flushAt].line; this.#flushAt++) {
      for (const hypothesis of this.#alive) {
        hypothesis.flushBefore(operation, flushes[this.#flushAt].cpu, operation.timeMicros);
      }
    }
  }

  /** Reclaims that are surely over run; one that may or may not have run yet splits the hypothesis (spec I30). */
  #reclaimDepots(operation: IovaOperation): void {
    const now = operation.timeMicros * 1000;
    for (const hypothesis of this.#alive.slice()) {
      while (hypothesis.domain.iova.reclaimDue < now - RECLAIM_SLACK_NANOS) {
        hypothesis.reclaim(operation, hypothesis.domain.iova.reclaimDue);
      }
      const due = hypothesis.domain.iova.reclaimDue;
      if (due > now + RECLAIM_SLACK_NANOS) continue;
      const reclaimed = this.#copyOf(hypothesis);
      reclaimed.reclaim(operation, due);
      this.#alive.push(reclaimed);
    }
  }

  /** Of equal hypotheses the plainest stays; a flush that two of them share may lie anywhere between theirs. */
  #merge(): void {
    if (this.#alive.length < 2) return;
    const byFingerprint = new Map<number, Hypothesis[]>();
    for (const hypothesis of this.#alive) {
      const alike = byFingerprint.get(hypothesis.fingerprint());
      if (alike === undefined) byFingerprint.set(hypothesis.fingerprint(), [hypothesis]);
      else this.#mergeInto(alike, hypothesis);
    }
    this.#alive = [...byFingerprint.values()].flat();
    const most = this.#options.wide ? MAX_HYPOTHESES_WIDE : MAX_HYPOTHESES;
    if (this.#alive.length <= most) return;
    this.#alive.sort((a, b) => (a.isPlainerThan(b) ? -1 : Number(b.isPlainerThan(a))));
    this.#spare.push(...this.#alive.splice(most));
  }

  #mergeInto(alike: Hypothesis[], hypothesis: Hypothesis): void {
    const twin = alike.findIndex((other) => other.equals(hypothesis));
    if (twin < 0) {
      alike.push(hypothesis);
      return;
    }
    // At equal cost the later one, whose moves are shorter.
    const [better, worse] = alike[twin].isPlainerThan(hypothesis)
      ? [alike[twin], hypothesis]
      : [hypothesis, alike[twin]];
    better.assumptions = widened(better.assumptions, worse.assumptions);
    alike[twin] = better;
    this.#spare.push(worse);
  }

  /** Ranges that the trace only frees were allocated before it began; where they are is all that we know of that time. */
  #adoptEarlierRanges(): void {
    const live = new Set<number>();
    for (const { kind, pfn, pages } of this.#operations) {
      if (kind === 'alloc') live.add(pfn);
      else if (!live.delete(pfn)) this.#alive[0].domain.iova.claim(pfn, pages);
    }
  }

  #copyOf(hypothesis: Hypothesis): Hypothesis {
    const copy = this.#spare.pop() ?? this.#newHypothesis();
    copy.copyFrom(hypothesis);
    return copy;
  }

  #newHypothesis(): Hypothesis {
    return new Hypothesis(this.#context, this.#facts, this.#options.lazy, this.#devices);
  }
}

function oldestFirst(newest: Assumption | null): Assumption[] {
  const list: Assumption[] = [];
  for (let at = newest; at !== null; at = at.before) list.push(at);
  return list.reverse();
}

/** If the two histories differ only in where their latest flush lies, one history with the wider window. */
function widened(a: Assumption | null, b: Assumption | null): Assumption | null {
  if (a === null || b === null || a.kind !== 'flush' || b.kind !== 'flush' || a.before !== b.before) return a;
  const [early, late] = a.line <= b.line ? [a, b] : [b, a];
  return { ...late, earliestLine: early.earliestLine, afterMicros: early.afterMicros };
}
