import type { ThreadPace } from '../../workload/workload-plan.ts';

/** When a thread may issue its next I/O. */
export class ThreadClock {
  readonly #pace: ThreadPace;
  #beginNanos = 0;
  /** Nothing is issued before. */
  notBeforeNanos = 0;

  constructor(pace: ThreadPace) {
    this.#pace = pace;
  }

  /** How long it may issue: infinity where only its work ends it. */
  get runtimeNanos(): number {
    return this.#pace.runtimeNanos;
  }

  /** Its turn begins. */
  begin(nanos: number): void {
    this.#beginNanos = nanos + this.#pace.delayNanos;
    this.notBeforeNanos = this.#beginNanos;
  }

  /** Its time is over. */
  isOver(nanos: number): boolean {
    return nanos - this.#beginNanos >= this.#pace.runtimeNanos;
  }

  /** An I/O was issued: a rate counts from when it was due, so that what came late is made up for. */
  issued(nanos: number): void {
    const { nanosPerIo } = this.#pace;
    if (nanosPerIo > 0) this.notBeforeNanos = Math.min(this.notBeforeNanos, nanos) + nanosPerIo;
  }

  /** An answer came, and is thought about. */
  answered(nanos: number): void {
    const { thinkNanos } = this.#pace;
    if (thinkNanos > 0) this.notBeforeNanos = Math.max(this.notBeforeNanos, nanos + thinkNanos);
  }
}
