import { workerData } from 'node:worker_threads';
import { readKernel } from './read-kernel.ts';

/** What the starter and a worker share: a gate that opens for all at once, a count of those who are ready, and times. */
export interface ReadWork {
  readonly machine: string;
  readonly calls: number;
  /** [gate, ready, done] */
  readonly state: Int32Array;
  /** Milliseconds by worker. */
  readonly millis: Float64Array;
  readonly worker: number;
}

const WARM_UP_CALLS = 100;

const { machine, calls, state, millis, worker }: ReadWork = workerData;
const kernel = readKernel(machine);
for (let call = 0; call < WARM_UP_CALLS; call++) kernel();
Atomics.add(state, 1, 1);
Atomics.notify(state, 1);
Atomics.wait(state, 0, 0);
const start = performance.now();
for (let call = 0; call < calls; call++) kernel();
millis[worker] = performance.now() - start;
Atomics.add(state, 2, 1);
Atomics.notify(state, 2);
