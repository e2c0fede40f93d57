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
  /** Operations in one call of a kernel, as in `BenchCase`. */
  readonly operations: number;
  /** Builds the kernel for one size. */
  readonly kernel: (size: number) => Kernel;
}

export interface GrowthFigure {
  readonly name: string;
  readonly of: string;
  readonly points: readonly { readonly size: number; readonly nanos: number }[];
}

const REPEATS = 5;
const BUDGET_NANOS = 0.3e9;

/** Best time per operation at each size; the process is shared, so that all sizes run the same compiled code. */
export function measureGrowth({ name, of, sizes, operations, kernel }: Growth): GrowthFigure {
  const points = sizes.map((size) => ({ size, nanos: bestNanos(kernel(size)) / operations }));
  return { name, of, points };
}

function bestNanos(kernel: Kernel): number {
  const slowest = nanosPerCall(kernel, 20);
  const calls = Math.max(2, Math.min(200, Math.floor(BUDGET_NANOS / slowest)));
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < REPEATS; repeat++) best = Math.min(best, nanosPerCall(kernel, calls));
  return best;
}
