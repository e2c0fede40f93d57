import { Worker } from 'node:worker_threads';
import { benchmarks, type Quantity } from '@dmalab/bench';
import type { ReadWork } from '../testing/read-worker.ts';

const CALLS = 400;
const REPEATS = 5;

/** Milliseconds until the last of so many machines, each in a worker of its own, has done its reads. */
async function slowestMillis(workers: number): Promise<number> {
  const state = new Int32Array(new SharedArrayBuffer(12));
  const millis = new Float64Array(new SharedArrayBuffer(8 * workers));
  const started = Array.from({ length: workers }, (_, worker) => {
    const workerData: ReadWork = { machine: 'x86-vtd', calls: CALLS, state, millis, worker };
    return new Worker(new URL('../testing/read-worker.ts', import.meta.url), { workerData });
  });
  await reached(state, 1, workers);
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
  await reached(state, 2, workers);
  await Promise.all(started.map((worker) => worker.terminate()));
  return Math.max(...millis);
}

async function reached(state: Int32Array, at: number, wanted: number): Promise<void> {
  for (let now = Atomics.load(state, at); now < wanted; now = Atomics.load(state, at)) {
    await Atomics.waitAsync(state, at, now).value;
  }
}

/** Machines share nothing, so two of them should do twice as much; the best of some turns, one beside the other. */
async function machinesWorthOfWork(): Promise<number> {
  let one = Number.POSITIVE_INFINITY;
  let two = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    one = Math.min(one, await slowestMillis(1));
    two = Math.min(two, await slowestMillis(2));
  }
  return (2 * one) / two;
}

export default benchmarks([]);

export const quantities: readonly Quantity[] = [
  { name: 'two machines in two workers', unit: 'x one', goal: 21, atLeast: 1.85, measure: machinesWorthOfWork },
];
