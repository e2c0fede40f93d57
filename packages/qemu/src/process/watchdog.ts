import { Worker } from 'node:worker_threads';

/**
 * Runs beside us while we stand in a blocking read. `state[0]` counts: odd while we wait for an answer. An odd count that
 * stays the same for longer than the limit ends the process, which ends the read.
 */
const WATCH = `
const { workerData: { state, pid, limitMillis } } = require('node:worker_threads');
let seen = 0, since = Date.now();
setInterval(() => {
  const count = Atomics.load(state, 0);
  if (count % 2 === 0 || count !== seen) { seen = count; since = Date.now(); return; }
  if (Date.now() - since < limitMillis) return;
  Atomics.store(state, 1, 1);
  try { process.kill(pid, 'SIGKILL'); } catch {}
}, Math.min(limitMillis / 4, 250));
`;

/** Ends a process that takes too long to answer, so that nobody waits for it for ever. */
export class Watchdog {
  readonly #state = new Int32Array(new SharedArrayBuffer(8));
  readonly #worker: Worker;

  constructor(pid: number, limitMillis: number) {
    this.#worker = new Worker(WATCH, { eval: true, workerData: { state: this.#state, pid, limitMillis } });
    this.#worker.unref();
  }

  /** A wait begins or is over. */
  toggle(): void {
    Atomics.add(this.#state, 0, 1);
  }

  /** Whether it had to end the process. */
  get hasBitten(): boolean {
    return Atomics.load(this.#state, 1) === 1;
  }

  stop(): void {
    void this.#worker.terminate();
  }
}
