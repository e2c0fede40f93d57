import type { Kernel } from './bench-case.ts';
import { nanosPerCall } from './block.ts';

/**
 * How an operation's cost grows from small to large. A `*.bench.ts` file that exports `growth` beside its cases shows its
 * figures in `docs/performance.md`: time per operation at each size, and the factor between the ends.
 */
export interface Growth {
  readonly name: string;
  /** What the sizes count, in words: "live mappings". */
  readonly of: string;
  /** In ascending order. */
  readonly sizes: readonly number[];
  /** Operations in one call of a kernel, as in `BenchCase`; where a call does more at a larger size, by size. */
  readonly operations: number | ((size: number) => number);
  /** Builds the kernel for one size. */
  readonly kernel: (size: number) => Kernel;
}

export interface GrowthFigure {
  readonly name: string;
  readonly of: string;
  readonly points: readonly { readonly size: number; readonly nanos: number }[];
}

const REPEATS = 5;
const BUDGET_NANOS = 0.2e9;
const WARM_UP_CALLS = 500;

/** Best time per operation at each size. All sizes run the same compiled code, in turn, so that none is measured cold. */
export function measureGrowth({ name, of, sizes, operations, kernel }: Growth): GrowthFigure {
  const kernels = sizes.map((size) => kernel(size));
  const calls = kernels.map(warmUp);
  const best = sizes.map(() => Number.POSITIVE_INFINITY);
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const [at, run] of kernels.entries()) best[at] = Math.min(best[at], nanosPerCall(run, calls[at]));
  }
  const count = (size: number) => (typeof operations === 'number' ? operations : operations(size));
  return { name, of, points: sizes.map((size, at) => ({ size, nanos: best[at] / count(size) })) };
}

/** Returns how many calls of the kernel fit the budget of a block. */
function warmUp(kernel: Kernel): number {
  const first = nanosPerCall(kernel, 3);
  const fitting = (nanos: number) => Math.max(2, Math.min(WARM_UP_CALLS, Math.floor(BUDGET_NANOS / nanos)));
  return fitting(nanosPerCall(kernel, fitting(first)));
}
