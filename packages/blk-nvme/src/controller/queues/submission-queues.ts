import { QueueColumns } from './queue-columns.ts';

/**
 * The controller's side of all submission queues (spec N130): the host adds and tells how far, the device takes. Queue 0 is
 * the admin queue.
 */
export class SubmissionQueues extends QueueColumns {
  readonly cqid: Int32Array;
  /** 0 urgent to 3 low; counts only with weighted arbitration (spec N133). */
  readonly priority: Uint8Array;

  constructor(count: number) {
    super(count);
    this.cqid = new Int32Array(count);
    this.priority = new Uint8Array(count);
  }

  create(qid: number, base: number, entries: number, cqid: number, priority: number): void {
    this.start(qid, base, entries);
    this.cqid[qid] = cqid;
    this.priority[qid] = priority;
  }

  /** False when the value is none that the host may write: outside the queue, or past the entries it may fill. */
  acceptTail(qid: number, tail: number): boolean {
    return this.accept(this.tail, qid, tail, this.size[qid] - 1 - this.occupied(qid));
  }

  /** Any queue left that completes to this one (spec N150, Delete CQ). */
  usesCompletionQueue(cqid: number): boolean {
    for (let qid = 0; qid < this.count; qid++) if (this.size[qid] !== 0 && this.cqid[qid] === cqid) return true;
    return false;
  }
}
