import { IO_TLB_SEGSIZE } from '@dmalab/swiotlb';
import type { TraceLog } from '@dmalab/trace';
import { GRANULE } from '../iova/operation.ts';
import type { PoolPressure } from '../swiotlb/pool-pressure.ts';
import { bouncesElsewhere, poolElsewhere } from './bounces-elsewhere.ts';
import { type DomainFigures, domainsElsewhere, domainsTraced } from './domains-elsewhere.ts';
import { type OtherMachine, translates } from './other-machine.ts';
import { elidingDevices, type WhatIfInput } from './what-if-input.ts';

/** One figure of both machines; null where it means nothing there. */
export interface SideBySide {
  readonly what: string;
  readonly unit: 'count' | 'bytes' | 'micros' | 'address';
  readonly traced: number | null;
  readonly other: number | null;
}

/** The same requests on another machine. Plain JSON. */
export interface WhatIf {
  readonly machine: string;
  readonly figures: readonly SideBySide[];
  /** The other machine's bounce pool; null where it has none, or nothing would bounce. */
  readonly swiotlb: PoolPressure | null;
  /** Mappings that would fail on the other machine. */
  readonly failures: number;
  /** What the trace leaves open, in sentences. */
  readonly untold: readonly string[];
}

/** Gives the requests of a trace to the pool and the invalidation policy of another machine. */
export function whatIf(log: TraceLog, input: WhatIfInput, machine: OtherMachine): WhatIf {
  const { diagnosis } = input;
  const bounced = bouncesElsewhere(log, input, machine);
  const swiotlb = poolElsewhere(log, input, bounced, machine);
  const bounceFailures = swiotlb?.failures ?? (machine.pool === null ? bounced.bounces.length : 0);
  const before = diagnosis.swiotlb;
  const here = domainsTraced(diagnosis.iova);
  const there = translates(machine) ? domainsElsewhere(log, input, machine) : null;
  const failures = bounceFailures + (there?.failures ?? 0);
  const sum = (bounces: readonly { readonly size: number }[]) => bounces.reduce((total, { size }) => total + size, 0);
  const figures: SideBySide[] = [
    row('bounced mappings', 'count', input.pool?.history.bounces.length ?? 0, bounced.bounces.length),
    row('bounced bytes', 'bytes', sum(input.pool?.history.bounces ?? []), sum(bounced.bounces)),
    row('mappings that failed', 'count', before?.failures ?? 0, failures),
    row('slots of the pool', 'count', before?.slotCount ?? null, swiotlb?.slotCount ?? machine.pool?.slotCount ?? null),
    row('slots in use at most', 'count', before?.highWater.usedSlots ?? null, swiotlb?.highWater.usedSlots ?? null),
    row('served by another area', 'count', before?.foreignArea ?? null, swiotlb?.foreignArea ?? null),
    ...DOMAIN_ROWS.map(([what, unit, of]) => row(what, unit, here && of(here), there && of(there))),
  ];
  return {
    machine: machine.name,
    figures: figures.filter(({ traced, other }) => traced !== null || other !== null),
    swiotlb,
    failures,
    untold: [...openQuestions(input, swiotlb)],
  };
}

const DOMAIN_ROWS: readonly (readonly [
  what: string,
  unit: SideBySide['unit'],
  of: (figures: DomainFigures) => number | null,
])[] = [
  ['invalidations', 'count', ({ invalidations }) => invalidations],
  ['unmaps that waited', 'count', ({ waited }) => waited],
  ['ranges queued at most', 'count', ({ queuedAtMost }) => queuedAtMost],
  ['pages reachable after unmap', 'count', ({ pages }) => pages],
  ['longest exposure', 'micros', ({ longestMicros }) => longestMicros],
  ['IOVAs from the caches', 'count', ({ fromCaches }) => fromCaches],
  ['IOVAs from the tree', 'count', ({ fromTree }) => fromTree],
  ['lowest IOVA', 'address', ({ lowestPage }) => lowestPage && lowestPage * GRANULE],
  ['IOVAs spread over', 'bytes', ({ spanPages }) => spanPages * GRANULE],
];

function row(what: string, unit: SideBySide['unit'], traced: number | null, other: number | null): SideBySide {
  return { what, unit, traced, other };
}

function* openQuestions(input: WhatIfInput, elsewhere: PoolPressure | null): Generator<string> {
  const { pool } = input;
  const eliding = [...elidingDevices(input)];
  if (eliding.length > 0) {
    yield `${eliding.join(', ')}: unmaps that change nothing were left out, so the trace does not say how long buffers are held; each counts as held until its address is mapped again, which is an upper bound.`;
  }
  if (pool !== null && pool.setting === null) {
    yield 'No mapping shows where its bounce buffer lies, so the traced pool is not known.';
  }
  if (elsewhere?.firstFailures.some(({ wantedSlots }) => wantedSlots > IO_TLB_SEGSIZE)) {
    yield 'Buffers of more than 256 KiB never bounce; on that machine their drivers would have been told so and asked for smaller ones.';
  }
  yield 'Requests come when they came in the trace: a machine that answers otherwise would have asked otherwise.';
}
