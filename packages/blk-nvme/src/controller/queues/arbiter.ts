import { get } from '../../spec/bits.ts';
import { Feature } from '../../spec/features.ts';
import { Cc } from '../../spec/registers.ts';
import type { ControllerState } from '../state/controller-state.ts';

/** Commands of one queue in one step at most, so that a step stays bounded where arbitration sets no limit. */
const BURST_MAX = 64;
/** AB 7: no limit. */
const NO_LIMIT = 7;
/** Priorities of a submission queue (spec N133). */
const URGENT = 0;
const LOW = 3;

/** Whose commands are fetched next, and how many (spec N133): round robin, or with weights where CC.AMS says so. */
export class Arbiter {
  readonly #c: ControllerState;
  /** I/O queue whose turn it is. */
  #turn = 1;
  /** Commands that each priority may still send before the others had their share. */
  readonly #credits = new Int32Array(LOW + 1);

  constructor(state: ControllerState) {
    this.#c = state;
  }

  /** Commands that the queue may send in one turn. */
  burst(qid: number): number {
    const ab = this.#c.features.get(Feature.ARBITRATION) & NO_LIMIT;
    const most = ab === NO_LIMIT ? BURST_MAX : Math.min(1 << ab, BURST_MAX);
    if (get(this.#c.registers.cc, Cc.AMS) === 0) return most;
    const priority = this.#c.sqs.priority[qid];
    if (priority === URGENT) return most;
    const granted = Math.min(most, this.#credits[priority]);
    this.#credits[priority] -= granted;
    return granted;
  }

  /** The I/O queue whose turn it is among those that have something to do and room to complete it, or 0. */
  next(): number {
    return get(this.#c.registers.cc, Cc.AMS) === 0 ? this.#nextOf(-1) : this.#nextWeighted();
  }

  /** Urgent queues first; then the classes by credit, which is given anew when nobody with work has any. */
  #nextWeighted(): number {
    const urgent = this.#nextOf(URGENT);
    if (urgent !== 0) return urgent;
    for (let round = 0; round < 2; round++) {
      for (let priority = URGENT + 1; priority <= LOW; priority++) {
        const qid = this.#credits[priority] > 0 ? this.#nextOf(priority) : 0;
        if (qid !== 0) return qid;
      }
      this.#refill();
    }
    return 0;
  }

  /** HPW, MPW and LPW are 0-based, highest byte first. */
  #refill(): void {
    const weights = this.#c.features.get(Feature.ARBITRATION);
    for (let priority = URGENT + 1; priority <= LOW; priority++) {
      this.#credits[priority] = ((weights >>> (8 * (LOW + 1 - priority))) & 0xff) + 1;
    }
  }

  /** Round robin among the queues of one priority; -1: among all. */
  #nextOf(priority: number): number {
    const { sqs, cqs } = this.#c;
    const { last } = sqs;
    for (let i = 0, qid = this.#turn; i < last; i++, qid = qid >= last ? 1 : qid + 1) {
      if (sqs.head[qid] === sqs.tail[qid] || sqs.size[qid] === 0 || cqs.isFull(sqs.cqid[qid])) continue;
      if (priority >= 0 && sqs.priority[qid] !== priority) continue;
      this.#turn = qid >= last ? 1 : qid + 1;
      return qid;
    }
    return 0;
  }
}
