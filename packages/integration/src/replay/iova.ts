import type { TraceLog } from '@dmalab/trace';
import { AddressSearch, type Residual, type SearchResult } from './iova/address-search.ts';
import { type MachineFacts, machineFacts } from './iova/machine-facts.ts';
import { GRANULE, type IovaOperation } from './iova/operation.ts';
import { iovaOperations } from './iova/operations.ts';
import { compareTicks, type TickModel } from './iova/tick-model.ts';

export interface ReplayIovaOptions {
  /** Boot log and `/proc/iomem` of the machine, as far as there is any: policy, groups, reserved windows. */
  readonly bootText?: string;
  /** CPUs of the machine; by default as many as the trace shows. */
  readonly cpus?: number;
}

/** An allocation that happened before `before`, although its map event stands at `line` (spec I243). */
export interface MovedAllocation {
  readonly line: number;
  readonly before: number;
}

/** A flush that the trace does not show, somewhere before `line` was processed (spec I244). */
export interface InferredFlush {
  readonly line: number;
  /** The earliest line before which it may have been as well. */
  readonly earliestLine: number;
  readonly cpu: number;
  readonly entriesFreed: number;
  /** Milliseconds after the timer was armed: between these two. */
  readonly afterMillis: number;
  readonly beforeMillis: number;
}

/** How well our allocator follows one domain: the devices of an IOMMU group, or one device. */
export interface DomainAgreement {
  readonly devices: readonly string[];
  readonly mode: 'strict' | 'lazy';
  /** Where the mode comes from: the boot log, or because it explains the trace. */
  readonly modeFrom: 'boot log' | 'trace';
  readonly compared: number;
  readonly agree: number;
  readonly exact: number;
  readonly reordered: number;
  readonly unexplained: number;
  readonly cacheHits: number;
  readonly treeAllocations: number;
  readonly moved: readonly MovedAllocation[];
  readonly inferredFlushes: readonly InferredFlush[];
  readonly tickModel: TickModel | null;
  readonly residuals: readonly Residual[];
}

/** Sums over all domains; `agree` = `exact` + `reordered`. */
export interface IovaAgreement {
  readonly compared: number;
  readonly agree: number;
  readonly exact: number;
  readonly reordered: number;
  readonly unexplained: number;
  readonly inferredFlushes: readonly InferredFlush[];
  readonly residuals: readonly Residual[];
  readonly domains: readonly DomainAgreement[];
}

/**
 * Drives the IOVA allocator with the kernel's own sequence of requests and compares every address that it hands out with
 * the one in the trace (spec I240 to I246). What the trace does not show is searched for and reported, never hidden.
 */
export function replayIova(log: TraceLog, options: ReplayIovaOptions = {}): IovaAgreement {
  const facts = machineFacts(options.bootText ?? '', Math.max(options.cpus ?? 1, highestCpu(log) + 1));
  const domains = byDomain(iovaOperations(log, facts.controllers), facts).map((operations) =>
    replayDomain(log, operations, facts),
  );
  const sum = (field: 'compared' | 'agree' | 'exact' | 'reordered' | 'unexplained') =>
    domains.reduce((total, domain) => total + domain[field], 0);
  return {
    compared: sum('compared'),
    agree: sum('agree'),
    exact: sum('exact'),
    reordered: sum('reordered'),
    unexplained: sum('unexplained'),
    inferredFlushes: domains.flatMap(({ inferredFlushes }) => inferredFlushes),
    residuals: domains.flatMap(({ residuals }) => residuals),
    domains,
  };
}

function replayDomain(log: TraceLog, operations: readonly IovaOperation[], boot: MachineFacts): DomainAgreement {
  const facts = withAddressLimit(boot, operations);
  const { lazy, result } = bestSearch(log, operations, facts);
  const moved = new Map<number, MovedAllocation>();
  for (const { kind, movedLine, line } of result.assumptions) {
    if (kind === 'moved') moved.set(movedLine, { line: movedLine, before: line });
  }
  const flushes = result.assumptions.filter(({ kind }) => kind === 'flush');
  const agree = result.compared - result.residuals.length;
  return {
    devices: [...new Set(operations.map(({ device }) => device))],
    mode: lazy ? 'lazy' : 'strict',
    modeFrom: lazy === facts.lazy ? 'boot log' : 'trace',
    compared: result.compared,
    agree,
    exact: agree - moved.size,
    reordered: moved.size,
    unexplained: result.residuals.length,
    cacheHits: result.cacheHits,
    treeAllocations: result.treeAllocations,
    moved: [...moved.values()],
    inferredFlushes: flushes.map((flush) => ({
      line: flush.line,
      earliestLine: flush.earliestLine,
      cpu: flush.cpu,
      entriesFreed: flush.entriesFreed,
      afterMillis: millis(flush.afterMicros - flush.armedMicros),
      beforeMillis: millis(flush.beforeMicros - flush.armedMicros),
    })),
    tickModel: compareTicks(flushes, facts.hz),
    residuals: result.residuals,
  };
}

/** From the narrowest set of assumptions to the widest; a strict domain has no flushes to place. */
const STAGES = [
  { wide: false, anyCpu: false },
  { wide: false, anyCpu: true },
  { wide: true, anyCpu: true },
];

/** The mode that the boot log names first, then the other, with ever wider assumptions until all is explained. */
function bestSearch(log: TraceLog, operations: readonly IovaOperation[], facts: MachineFacts) {
  let best: { lazy: boolean; result: SearchResult } | null = null;
  for (const { wide, anyCpu } of STAGES) {
    for (const lazy of facts.lazy === true ? [true, false] : [false, true]) {
      if (anyCpu && !wide && (!lazy || facts.cpus === 1)) continue;
      const giveUpAt: number = best === null ? Number.POSITIVE_INFINITY : best.result.residuals.length;
      const result: SearchResult = new AddressSearch(log, operations, facts, { lazy, wide, anyCpu, giveUpAt }).run();
      if (result.residuals.length === 0) return { lazy, result };
      if (result.residuals.length < giveUpAt) best = { lazy, result };
    }
  }
  return best as { lazy: boolean; result: SearchResult };
}

/** Devices of one group share a domain; a device whose group is not known has its own (spec I1). */
function byDomain(operations: readonly IovaOperation[], facts: MachineFacts): IovaOperation[][] {
  const domains = new Map<number | string, IovaOperation[]>();
  for (const operation of operations) {
    const key = facts.groups.get(operation.device) ?? operation.device;
    const members = domains.get(key);
    if (members === undefined) domains.set(key, [operation]);
    else members.push(operation);
  }
  return [...domains.values()];
}

/** The first address of a domain shows whether it is tried below 4 GiB first, and if not how far the aperture reaches (spec I38, I40). */
function withAddressLimit(facts: MachineFacts, operations: readonly IovaOperation[]): MachineFacts {
  const first = operations.find(({ kind }) => kind === 'alloc');
  const end = first === undefined ? 0 : (first.pfn + first.pages) * GRANULE;
  if (end <= 2 ** 32) return facts;
  return { ...facts, below4gFirst: false, apertureEnd: 2 ** Math.ceil(Math.log2(end)) - 1 };
}

function highestCpu(log: TraceLog): number {
  let highest = 0;
  for (let event = 0; event < log.length; event++) highest = Math.max(highest, log.cpu(event));
  return highest;
}

function millis(micros: number): number {
  return Math.round(micros) / 1000;
}
