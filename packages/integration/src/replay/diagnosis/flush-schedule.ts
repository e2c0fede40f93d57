import type { IovaOperation } from '../iova/operation.ts';
import type { InferredFlush } from '../iova.ts';

/** Milliseconds from arming to firing at HZ 250, and how much after its tick the timer runs (spec I103). */
const EARLIEST_MILLIS = 12;
const LATEST_MILLIS = 16.3;

/** A timer flush, by the operation before which it happened, and the latest instant at which it can have been. */
export interface TimedFlush {
  readonly beforeEvent: number;
  readonly micros: number;
}

/**
 * When each inferred flush was over at the latest: at the end of its window in the trace, or where the timer's rule
 * admits less, at the end of that. A flush that the rule does not admit was late: the window stands.
 */
export function flushSchedule(operations: readonly IovaOperation[], flushes: readonly InferredFlush[]): TimedFlush[] {
  let at = 0;
  return flushes.map(({ line, afterMillis, beforeMillis }) => {
    while (at < operations.length - 1 && operations[at].line !== line) at++;
    const { event, timeMicros } = operations[at];
    const byRule = afterMillis <= LATEST_MILLIS && beforeMillis >= EARLIEST_MILLIS;
    const earlier = byRule ? Math.max(0, beforeMillis - LATEST_MILLIS) * 1000 : 0;
    return { beforeEvent: event, micros: timeMicros - earlier };
  });
}

/** The flushes of a healthy timer on a machine that was not traced, each as late as the rule admits (spec I101, I103). */
export function timerSchedule(operations: readonly IovaOperation[]): TimedFlush[] {
  const flushes: TimedFlush[] = [];
  let dueMicros = Number.POSITIVE_INFINITY;
  for (const { kind, twoStep, event, timeMicros } of operations) {
    if (timeMicros >= dueMicros) {
      flushes.push({ beforeEvent: event, micros: dueMicros });
      dueMicros = Number.POSITIVE_INFINITY;
    }
    const isQueued = kind === 'free' && !twoStep;
    if (isQueued && dueMicros === Number.POSITIVE_INFINITY) dueMicros = timeMicros + LATEST_MILLIS * 1000;
  }
  return flushes;
}
