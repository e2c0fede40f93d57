import type { TraceLog } from '@dmalab/trace';
import { DomainWalk } from '../diagnosis/domain-walk.ts';
import { timerSchedule } from '../diagnosis/flush-schedule.ts';
import type { IovaUse } from '../diagnosis/iova-use.ts';
import { GRANULE, type IovaOperation, pagesTouched } from '../iova/operation.ts';
import { addressesElsewhere } from './addresses-elsewhere.ts';
import { mappedBuffers } from './map-requests.ts';
import type { OtherMachine } from './other-machine.ts';
import { elidingDevices, type WhatIfInput } from './what-if-input.ts';

/** What a policy of invalidation costs and leaves open, and what became of the IOVA space. */
export interface DomainFigures {
  readonly invalidations: number;
  readonly waited: number;
  readonly queuedAtMost: number;
  readonly pages: number;
  readonly longestMicros: number;
  readonly fromCaches: number;
  readonly fromTree: number;
  /** Null where nothing was mapped. */
  readonly lowestPage: number | null;
  /** Pages from the lowest mapped to the highest, when most were mapped. */
  readonly spanPages: number;
  /** Allocations that found no address. */
  readonly failures: number;
}

const NOTHING: DomainFigures = {
  ...{ invalidations: 0, waited: 0, queuedAtMost: 0, pages: 0, longestMicros: 0 },
  ...{ fromCaches: 0, fromTree: 0, lowestPage: null, spanPages: 0, failures: 0 },
};

/** Null for a trace without IOMMU. */
export function domainsTraced(domains: readonly IovaUse[]): DomainFigures | null {
  return domains.length === 0 ? null : domains.map((use) => figuresOf(use, 0)).reduce(add);
}

/**
 * The trace's maps and unmaps under the other machine's policy, at the addresses that its allocators hand out; untrusted
 * devices' domains are strict on any machine (spec I229).
 */
export function domainsElsewhere(log: TraceLog, input: WhatIfInput, machine: OtherMachine): DomainFigures {
  const { operations, pool, facts } = input;
  const all = operations.length > 0 ? operations : asOperations(log, elidingDevices(input));
  const byDevice = new Map<string, IovaOperation[]>();
  for (const operation of all) {
    const of = byDevice.get(operation.device);
    if (of === undefined) byDevice.set(operation.device, [operation]);
    else of.push(operation);
  }
  const figures = [...byDevice].map(([device, own]) => {
    const isUntrusted = pool?.history.behindIommu.has(device) ?? false;
    const mode = machine.iommu === 'lazy' && !isUntrusted ? 'lazy' : 'strict';
    const policy = { lazy: mode === 'lazy', dmaMaskBits: machine.dmaMaskBits };
    const there = addressesElsewhere(own, policy, facts);
    const flushes = mode === 'lazy' ? timerSchedule(there.operations) : [];
    const { fromCaches: cacheHits, fromTree: treeAllocations, failures } = there;
    const domain = { devices: [device], mode, compared: 0, cacheHits, treeAllocations } as const;
    return figuresOf(new DomainWalk(log, there.operations, domain, flushes).run(), failures);
  });
  return figures.reduce(add, NOTHING);
}

function figuresOf({ flushQueue, exposure, highWater, lowestPage, ...use }: IovaUse, failures: number): DomainFigures {
  const flushes = flushQueue === null ? 0 : flushQueue.timerFlushes + flushQueue.forcedFlushes;
  return {
    invalidations: exposure.immediateUnmaps + flushes,
    waited: exposure.immediateUnmaps,
    queuedAtMost: flushQueue?.mostWaiting ?? 0,
    pages: exposure.pages,
    longestMicros: exposure.longestMicros,
    fromCaches: use.fromCaches,
    fromTree: use.fromTree,
    lowestPage: lowestPage === 0 ? null : lowestPage,
    spanPages: highWater.spanPages,
    failures,
  };
}

function add(a: DomainFigures, b: DomainFigures): DomainFigures {
  const lowest = [a.lowestPage, b.lowestPage].filter((page) => page !== null);
  return {
    fromCaches: a.fromCaches + b.fromCaches,
    fromTree: a.fromTree + b.fromTree,
    lowestPage: lowest.length === 0 ? null : Math.min(...lowest),
    spanPages: Math.max(a.spanPages, b.spanPages),
    failures: a.failures + b.failures,
    invalidations: a.invalidations + b.invalidations,
    waited: a.waited + b.waited,
    queuedAtMost: Math.max(a.queuedAtMost, b.queuedAtMost),
    pages: a.pages + b.pages,
    longestMicros: Math.max(a.longestMicros, b.longestMicros),
  };
}

/** A trace without IOMMU: each buffer as a mapping of its own; where in the IOVA space nobody knows. */
function asOperations(log: TraceLog, eliding: ReadonlySet<string>): IovaOperation[] {
  const { steps } = mappedBuffers(log, [], eliding);
  return steps
    .filter(({ bounce }) => bounce.outcome !== 'failed')
    .map(({ bounce: { id, event, orig, size, device }, isFree, at }) => ({
      kind: isFree ? 'free' : 'alloc',
      event: at,
      line: log.line(at),
      cpu: log.cpu(at),
      timeMicros: log.time(at),
      flow: 0,
      pfn: id * MOST_PAGES,
      pages: pagesTouched(orig, size),
      device,
      twoStep: false,
      events: [event],
      call: -1,
    }));
}

/** Keeps made-up ranges apart: no buffer of a trace is larger than a list entry can be. */
const MOST_PAGES = 2 ** 32 / GRANULE;
