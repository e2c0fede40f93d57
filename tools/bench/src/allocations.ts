import { GCProfiler, getHeapStatistics } from 'node:v8';
import type { BenchCase, Kernel } from './bench-case.ts';
import { nanosPerCall } from './block.ts';

/** Room for a whole measurement in the young generation, so that no collection hides what was allocated. */
export const ALLOCATION_FLAGS: readonly string[] = [
  '--expose-gc',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
];

/** Below this an operation counts as allocating nothing: what is left is the engine's own (feedback, profiling). */
const NOTHING_BYTES = 0.05;
const WARM_UP_NANOS = 1.5e9;
const WARM_UP_CALLS = 1000;
const MEASURED_CALLS = 64;
const REPEATS = 3;

export interface Allocations {
  readonly name: string;
  readonly goal: number | null;
  /** Bytes of heap that one operation leaves behind in steady state, garbage or not; the least of three measurements. */
  readonly bytesPerOperation: number;
  readonly allocatesNothing: boolean;
}

/** Counts what the tested kernel allocates, once warm. Needs {@link ALLOCATION_FLAGS}. */
export function measureAllocations({ name, goal, operations, tested }: BenchCase): Allocations {
  const kernel = tested();
  warmUp(kernel);
  let least = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < REPEATS; repeat++) least = Math.min(least, bytesPerCall(kernel, MEASURED_CALLS));
  const bytesPerOperation = least / operations;
  return { name, goal: goal ?? null, bytesPerOperation, allocatesNothing: bytesPerOperation < NOTHING_BYTES };
}

function warmUp(kernel: Kernel): void {
  const calls = Math.min(WARM_UP_CALLS, Math.ceil(WARM_UP_NANOS / nanosPerCall(kernel, 5)));
  nanosPerCall(kernel, calls);
}

/** Halves the calls until they fit between two collections: a collection would take the evidence away. */
function bytesPerCall(kernel: Kernel, calls: number): number {
  globalThis.gc?.();
  const profiler = new GCProfiler();
  profiler.start();
  const before = heapBytes();
  const again = heapBytes();
  nanosPerCall(kernel, calls);
  const after = heapBytes();
  const collections = profiler.stop()?.statistics.length ?? 0;
  if (collections > 0 && calls > 1) return bytesPerCall(kernel, calls >> 1);
  // Reading the heap's size allocates as well: the difference of two readings with nothing between them.
  return Math.max(0, after - again - (again - before)) / calls;
}

function heapBytes(): number {
  return getHeapStatistics().used_heap_size;
}
