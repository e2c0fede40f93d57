import { timerDueNanos } from '@dmalab/iommu';
import type { Assumption } from './hypothesis.ts';

/** The timer-wheel rule held against flush instants that were inferred without it (spec I103, I244). */
export interface TickModel {
  readonly hz: number;
  /** Phase of the tick against the trace clock that suits most flushes: the model's one free parameter. */
  readonly phaseMillis: number;
  readonly compared: number;
  /** Flushes whose window contains the computed tick, give or take the softirq's delay. */
  readonly admitted: number;
  /** The others: how much later than computed they were at least; negative: earlier. */
  readonly missed: readonly { readonly line: number; readonly lateMillis: number }[];
}

const TIMEOUT_MILLIS = 10;
const SOFTIRQ_DELAY_MICROS = 300;
const PHASE_STEPS = 80;

/** Null when no flush was inferred. */
export function compareTicks(flushes: readonly Assumption[], hz: number): TickModel | null {
  if (flushes.length === 0) return null;
  const tickMicros = 1e6 / hz;
  let best: { phase: number; late: number[] } | null = null;
  for (let step = 0; step < PHASE_STEPS; step++) {
    const phase = (step * tickMicros) / PHASE_STEPS;
    const late = flushes.map((flush) => lateness(flush, phase, hz));
    if (best === null || compareFit(late, best.late) < 0) best = { phase, late };
  }
  const { phase, late } = best as { phase: number; late: number[] };
  const missed = flushes.flatMap(({ line }, i) => (late[i] === 0 ? [] : [{ line, lateMillis: round(late[i] / 1000) }]));
  const admitted = flushes.length - missed.length;
  return { hz, phaseMillis: round(phase / 1000), compared: flushes.length, admitted, missed };
}

/** Microseconds by which the flush's window lies after (before: negative) the tick that the rule computes. */
function lateness({ armedMicros, afterMicros, beforeMicros }: Assumption, phaseMicros: number, hz: number): number {
  const due = timerDueNanos((armedMicros - phaseMicros) * 1000, TIMEOUT_MILLIS, hz) / 1000 + phaseMicros;
  if (due > beforeMicros) return beforeMicros - due;
  return Math.max(0, afterMicros - due - SOFTIRQ_DELAY_MICROS);
}

/** More flushes admitted is better, then less deviation in all. */
function compareFit(a: readonly number[], b: readonly number[]): number {
  const missed = (late: readonly number[]) => late.filter((l) => l !== 0).length;
  const total = (late: readonly number[]) => late.reduce((sum, l) => sum + Math.abs(l), 0);
  return missed(a) - missed(b) || total(a) - total(b);
}

function round(millis: number): number {
  return Math.round(millis * 1000) / 1000;
}
