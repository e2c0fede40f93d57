import type { TraceLog } from '@dmalab/trace';
import { DomainWalk } from '../diagnosis/domain-walk.ts';
import { timerSchedule } from '../diagnosis/flush-schedule.ts';
import type { IovaUse } from '../diagnosis/iova-use.ts';
import { GRANULE, type IovaOperation, pagesTouched } from '../iova/operation.ts';
import { mappedBuffers } from './map-requests.ts';
import type { OtherMachine } from './other-machine.ts';
import { elidingDevices, type WhatIfInput } from './what-if-input.ts';

/** What a policy of invalidation costs, and what it leaves open. */
export interface Invalidations {
  readonly invalidations: number;
  readonly waited: number;
  readonly queuedAtMost: number;
  readonly pages: number;
  readonly longestMicros: number;
}

/** Null for a trace without IOMMU. */
export function invalidationsTraced(domains: readonly IovaUse[]): Invalidations | null {
  return domains.length === 0 ? null : domains.map(figuresOf).reduce(add);
}

/** The trace's unmaps under the other machine's policy; untrusted devices' domains are strict on any (spec I229). */
export function invalidationsElsewhere(log: TraceLog, input: WhatIfInput, machine: OtherMachine): Invalidations {
  const { operations, pool } = input;
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
    const flushes = mode === 'lazy' ? timerSchedule(own) : [];
    const domain = { devices: [device], mode, compared: 0, cacheHits: 0, treeAllocations: 0 } as const;
    return figuresOf(new DomainWalk(log, own, domain, flushes).run());
  });
  return figures.reduce(add, { invalidations: 0, waited: 0, queuedAtMost: 0, pages: 0, longestMicros: 0 });
}

function figuresOf({ flushQueue, exposure }: IovaUse): Invalidations {
  const flushes = flushQueue === null ? 0 : flushQueue.timerFlushes + flushQueue.forcedFlushes;
  return {
    invalidations: exposure.immediateUnmaps + flushes,
    waited: exposure.immediateUnmaps,
    queuedAtMost: flushQueue?.mostWaiting ?? 0,
    pages: exposure.pages,
    longestMicros: exposure.longestMicros,
  };
}

function add(a: Invalidations, b: Invalidations): Invalidations {
  return {
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
