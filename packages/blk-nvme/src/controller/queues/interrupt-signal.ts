import { Feature } from '../../spec/features.ts';
import type { ControllerState } from '../state/controller-state.ts';
import { isMasked } from './interrupt-wire.ts';

/** Unit of the aggregation time (spec N134). */
const AGGREGATION_NANOS = 100_000;

/**
 * Raises the vectors of completion queues that got entries (spec N134): one message a queue and step, or later where
 * coalescing says so. The admin queue is never coalesced.
 */
export class InterruptSignal {
  readonly #c: ControllerState;
  /** Queues with entries that no interrupt has told of, in the order of their first such entry. */
  readonly #waiting: Int32Array;
  readonly #sinceNanos: Float64Array;
  #count = 0;

  constructor(state: ControllerState) {
    this.#c = state;
    this.#waiting = new Int32Array(state.cqs.count);
    this.#sinceNanos = new Float64Array(state.cqs.count);
  }

  /** `count` entries were written. */
  posted(cqid: number, count: number): void {
    const { unsignalled } = this.#c.cqs;
    const waited = unsignalled[cqid] > 0;
    unsignalled[cqid] += count;
    if (waited) return;
    this.#waiting[this.#count++] = cqid;
    this.#sinceNanos[cqid] = this.#c.nowNanos;
  }

  /** Sends what is due; true when anything was sent. */
  signal(): boolean {
    if (this.#count === 0) return false;
    const { cqs, memory, registers } = this.#c;
    const coalescing = this.#c.features.get(Feature.IRQ_COALESCE);
    let kept = 0;
    const count = this.#count;
    for (let i = 0; i < count; i++) {
      const cqid = this.#waiting[i];
      // A reset or a deletion took the queue away meanwhile.
      if (cqs.size[cqid] === 0 || cqs.unsignalled[cqid] === 0) continue;
      const isHeldBack = coalescing !== 0 && this.#coalesces(cqid, coalescing);
      if (isHeldBack || isMasked(registers.interruptMask, cqs.vector[cqid])) {
        this.#waiting[kept++] = cqid;
        continue;
      }
      cqs.unsignalled[cqid] = 0;
      if (cqs.interruptsEnabled[cqid] === 1) memory.interrupt(cqs.vector[cqid]);
    }
    this.#count = kept;
    this.#c.wire?.settle();
    return kept < count;
  }

  #coalesces(cqid: number, coalescing: number): boolean {
    if (cqid === 0) return false;
    const vector = this.#c.cqs.vector[cqid];
    if (vector < 31 && (this.#c.features.get(Feature.IRQ_CONFIG) & (1 << vector)) !== 0) return false;
    const threshold = (coalescing & 0xff) + 1;
    const timeNanos = ((coalescing >>> 8) & 0xff) * AGGREGATION_NANOS;
    if (timeNanos === 0) return false;
    return this.#c.cqs.unsignalled[cqid] < threshold && this.#c.nowNanos - this.#sinceNanos[cqid] < timeNanos;
  }
}
