interface Job {
  readonly dueNanos: number;
  readonly finish: () => void;
}

/**
 * What a command began and what ends by itself later: a format, a sanitize, a self-test, an activation of firmware
 * (spec N150). Goes on over controller resets, but for what its owner cancels.
 */
export class BackgroundWork {
  #jobs: Job[] = [];

  get count(): number {
    return this.#jobs.length;
  }

  /** Calls `finish` once that much time has passed; the returned job is what {@link cancel} takes. */
  start(nowNanos: number, nanos: number, finish: () => void): Job {
    const job = { dueNanos: nowNanos + nanos, finish };
    this.#jobs.push(job);
    return job;
  }

  cancel(job: Job): void {
    this.#jobs = this.#jobs.filter((other) => other !== job);
  }

  /** Finishes what is due, oldest first; true when there was anything. */
  runDue(nowNanos: number): boolean {
    const due = this.#jobs.filter(({ dueNanos }) => dueNanos <= nowNanos);
    if (due.length === 0) return false;
    this.#jobs = this.#jobs.filter(({ dueNanos }) => dueNanos > nowNanos);
    for (const { finish } of due) finish();
    return true;
  }

  /** Time of the next end, or Infinity. */
  get nextDueNanos(): number {
    return this.#jobs.reduce((next, { dueNanos }) => Math.min(next, dueNanos), Number.POSITIVE_INFINITY);
  }
}

export type { Job as BackgroundJob };
