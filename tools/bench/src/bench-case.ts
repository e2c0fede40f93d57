/**
 * One call of a kernel performs `operations` operations and returns a number that depends on all of them,
 * so that the compiler can't drop any. It throws when its own result is wrong.
 */
export type Kernel = () => number;

/** One figure: a tested kernel beside the limit (or peer) it is measured against. */
export interface BenchCase {
  /** Unique inside the file; what `pnpm bench NAME` matches. */
  readonly name: string;
  /** Operations in one call of either kernel; choose it so that a call takes 0.1 to 1 ms. At most 10 000. */
  readonly operations: number;
  /** Builds the tested kernel; called once, in a process of its own. */
  readonly tested: () => Kernel;
  /** What the limit is, in words: "hot copy of 4 KiB". */
  readonly limitName: string;
  readonly limit: () => Kernel;
  /** Tested time divided by limit time must not exceed this. Absent: the figure is reported and judged by nobody. */
  readonly atMost?: number;
  /**
   * Fresh processes that measure it, 1 by default; the best time of all counts on either side. For a bound of a few per
   * cent: what the compiler makes of the same source differs by more from one process to the next.
   */
  readonly processes?: number;
  /** The row of the speed goals that the case answers, if any. */
  readonly goal?: number;
}

/** Default export of a `*.bench.ts` file. Checks the cases once, so that a typo fails before anything is timed. */
export function benchmarks(cases: readonly BenchCase[]): readonly BenchCase[] {
  const names = new Set<string>();
  for (const { name, operations } of cases) {
    if (names.has(name)) throw new Error(`two benchmark cases are named "${name}"`);
    if (!(operations >= 1 && operations <= 10_000)) throw new Error(`"${name}": operations must be 1..10000`);
    names.add(name);
  }
  return cases;
}
