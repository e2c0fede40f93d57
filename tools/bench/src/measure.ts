import type { BenchCase, Kernel } from './bench-case.ts';
import { nanosPerCall } from './block.ts';

/** Times are nanoseconds for one operation. */
export interface Timing {
  readonly best: number;
  readonly median: number;
  /** The middle half of the repeats lies between these: what the machine's other work did to the figure. */
  readonly interval: readonly [number, number];
}

export interface Figure {
  readonly name: string;
  readonly goal: number | null;
  readonly limitName: string;
  readonly tested: Timing;
  readonly limit: Timing;
  /** Best tested time over best limit time. */
  readonly ratio: number;
  readonly atMost: number | null;
  readonly met: boolean;
  /** Processes that the case asks for; this figure is one's, until it is {@link joined}. */
  readonly processes: number;
}

/** Many short blocks, not a few long ones: a block of a few milliseconds has a chance to run undisturbed on a busy machine. */
const REPEATS = 35;
const CALLS_IN_ALL = 1050; // at least 1000: a long single call stays in half-optimised code and reads 3 to 5 times too slow
const REPEAT_BUDGET_NANOS = 0.3e9;

/** Times the tested kernel and its limit in turn, block by block, so that both see the same machine. */
export function measure(bench: BenchCase): Figure {
  const tested = bench.tested();
  const limit = bench.limit();
  const calls = callsPerRepeat(tested, limit);
  const testedTimes: number[] = [];
  const limitTimes: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    limitTimes.push(nanosPerCall(limit, calls) / bench.operations);
    testedTimes.push(nanosPerCall(tested, calls) / bench.operations);
  }
  return {
    name: bench.name,
    goal: bench.goal ?? null,
    limitName: bench.limitName,
    atMost: bench.atMost ?? null,
    processes: bench.processes ?? 1,
    ...judged(timing(testedTimes), timing(limitTimes), bench.atMost ?? null),
  };
}

/** Two processes' figures of one case as one: on either side the better time counts. */
export function joined(one: Figure, other: Figure): Figure {
  return { ...one, ...judged(better(one.tested, other.tested), better(one.limit, other.limit), one.atMost) };
}

function better(one: Timing, other: Timing): Timing {
  return one.best <= other.best ? one : other;
}

function judged(
  tested: Timing,
  limit: Timing,
  atMost: number | null,
): Pick<Figure, 'tested' | 'limit' | 'ratio' | 'met'> {
  const ratio = tested.best / limit.best;
  return { tested, limit, ratio, met: atMost === null || ratio <= atMost };
}

/** Warms both kernels up, then chooses a block length: 30 calls unless that would take longer than the budget. */
function callsPerRepeat(tested: Kernel, limit: Kernel): number {
  const wanted = CALLS_IN_ALL / REPEATS;
  const slowest = Math.max(nanosPerCall(tested, 20), nanosPerCall(limit, 20));
  return Math.max(2, Math.min(wanted, Math.floor(REPEAT_BUDGET_NANOS / slowest)));
}

function timing(times: number[]): Timing {
  const sorted = times.toSorted((a, b) => a - b);
  const quarter = sorted.length >> 2;
  const interval = [sorted[quarter], sorted[sorted.length - 1 - quarter]] as const;
  return { best: sorted[0], median: sorted[sorted.length >> 1], interval };
}
