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
}

const REPEATS = 7;
const CALLS_IN_ALL = 1050; // at least 1000: a long single call stays in half-optimised code and reads 3 to 5 times too slow
const REPEAT_BUDGET_NANOS = 1.5e9;

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
  const figure = { tested: timing(testedTimes), limit: timing(limitTimes) };
  const ratio = figure.tested.best / figure.limit.best;
  const atMost = bench.atMost ?? null;
  return {
    name: bench.name,
    goal: bench.goal ?? null,
    limitName: bench.limitName,
    ...figure,
    ratio,
    atMost,
    met: atMost === null || ratio <= atMost,
  };
}

/** Warms both kernels up, then chooses a block length: 150 calls unless that would take longer than the budget. */
function callsPerRepeat(tested: Kernel, limit: Kernel): number {
  const wanted = CALLS_IN_ALL / REPEATS;
  const slowest = Math.max(nanosPerCall(tested, 20), nanosPerCall(limit, 20));
  return Math.max(5, Math.min(wanted, Math.floor(REPEAT_BUDGET_NANOS / slowest)));
}

function timing(times: number[]): Timing {
  const sorted = times.toSorted((a, b) => a - b);
  const quarter = sorted.length >> 2;
  const interval = [sorted[quarter], sorted[sorted.length - 1 - quarter]] as const;
  return { best: sorted[0], median: sorted[sorted.length >> 1], interval };
}
