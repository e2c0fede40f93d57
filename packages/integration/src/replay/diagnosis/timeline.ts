import type { TraceLog } from '@dmalab/trace';

/** Stretches that the length of a trace is divided into. */
export const TIMELINE_STRETCHES = 160;

/** A quantity over the length of a trace, one figure for each of {@link TIMELINE_STRETCHES} equal stretches. */
export interface Timeline {
  readonly startMicros: number;
  readonly stepMicros: number;
  readonly values: readonly number[];
}

/** When a trace begins and ends, on its own clock. */
export interface TraceSpan {
  readonly startMicros: number;
  readonly endMicros: number;
}

export function spanOf(log: TraceLog): TraceSpan {
  return log.length === 0
    ? { startMicros: 0, endMicros: 0 }
    : { startMicros: log.time(0), endMicros: log.time(log.length - 1) };
}

/** Stretches of a span. CPUs print out of order: what lies outside belongs to the first or last stretch. */
class Stretches {
  readonly startMicros: number;
  readonly stepMicros: number;

  constructor({ startMicros, endMicros }: TraceSpan) {
    this.startMicros = startMicros;
    this.stepMicros = Math.max(1, (endMicros - startMicros) / TIMELINE_STRETCHES);
  }

  at(micros: number): number {
    const stretch = Math.floor((micros - this.startMicros) / this.stepMicros);
    return Math.min(Math.max(stretch, 0), TIMELINE_STRETCHES - 1);
  }
}

/** Keeps the highest level of each stretch: a peak is never lost, however short it was. */
export class PeakTimeline {
  readonly #stretches: Stretches;
  readonly #values = new Array<number>(TIMELINE_STRETCHES).fill(0);
  #stretch = 0;
  #level = 0;

  constructor(span: TraceSpan) {
    this.#stretches = new Stretches(span);
  }

  /** From then on the quantity is `level`. */
  set(micros: number, level: number): void {
    this.#carryTo(this.#stretches.at(micros));
    this.#level = level;
    this.#values[this.#stretch] = Math.max(this.#values[this.#stretch], level);
  }

  finish(): Timeline {
    this.#carryTo(TIMELINE_STRETCHES - 1);
    const { startMicros, stepMicros } = this.#stretches;
    return { startMicros, stepMicros, values: this.#values };
  }

  #carryTo(stretch: number): void {
    while (this.#stretch < stretch) {
      this.#stretch++;
      this.#values[this.#stretch] = this.#level;
    }
  }
}

/** Counts what happens in each stretch. */
export class CountTimeline {
  readonly #stretches: Stretches;
  readonly #values = new Array<number>(TIMELINE_STRETCHES).fill(0);

  constructor(span: TraceSpan) {
    this.#stretches = new Stretches(span);
  }

  add(micros: number): void {
    this.#values[this.#stretches.at(micros)]++;
  }

  finish(): Timeline {
    const { startMicros, stepMicros } = this.#stretches;
    return { startMicros, stepMicros, values: this.#values };
  }
}
