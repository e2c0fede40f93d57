import type { Costs } from '../costs/cost-table.ts';
import { WORK_KINDS, WORK_PARTS, type WorkPart, workPrices } from './work-kinds.ts';

/** Adds up what the CPUs of a machine do, by kind, and what it costs. */
export class WorkMeter {
  /** Times that each kind of work was done. */
  readonly counts = new Float64Array(WORK_KINDS.length);
  readonly #prices: Float64Array;
  /** One cell of a typed array: a plain field would box each sum. */
  readonly #spent = new Float64Array(1);

  constructor(costs: Costs) {
    this.#prices = workPrices(costs);
  }

  add(kind: number, count: number): void {
    this.counts[kind] += count;
    this.#spent[0] += count * this.#prices[kind];
  }

  /** Time that is no work of a kind: waiting for a device, for example. */
  addNanos(nanos: number): void {
    this.#spent[0] += nanos;
  }

  /** Since {@link restart}. */
  get spentNanos(): number {
    return this.#spent[0];
  }

  /** A new stretch of work begins; the counts stay. */
  restart(): void {
    this.#spent[0] = 0;
  }

  /** Forgets all counts. */
  reset(): void {
    this.counts.fill(0);
    this.restart();
  }

  /** What was done since the last reset, in time, by part. */
  nanosByPart(): Record<WorkPart, number> {
    const nanos = Object.fromEntries(WORK_PARTS.map((part) => [part, 0])) as Record<WorkPart, number>;
    for (const [kind, { part }] of WORK_KINDS.entries()) nanos[part] += this.counts[kind] * this.#prices[kind];
    return nanos;
  }
}
