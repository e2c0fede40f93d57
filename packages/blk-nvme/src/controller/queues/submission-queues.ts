/**
 * The controller's side of all submission queues, one column a property, one row a queue id (spec N130). A queue exists
 * while its size is not 0. Queue 0 is the admin queue.
 */
export class SubmissionQueues {
  readonly count: number;
  readonly base: Float64Array;
  /** Entries, 2 to 65536. */
  readonly size: Int32Array;
  /** Next entry to fetch. */
  readonly head: Int32Array;
  /** One past the last entry that the host announced. */
  readonly tail: Int32Array;
  readonly cqid: Int32Array;
  /** 0 urgent to 3 low; counts only with weighted arbitration (spec N133). */
  readonly priority: Uint8Array;
  /** Highest id that was created since the last `clear`: bounds the searches. */
  last = 0;

  constructor(count: number) {
    this.count = count;
    this.base = new Float64Array(count);
    this.size = new Int32Array(count);
    this.head = new Int32Array(count);
    this.tail = new Int32Array(count);
    this.cqid = new Int32Array(count);
    this.priority = new Uint8Array(count);
  }

  create(qid: number, base: number, entries: number, cqid: number, priority: number): void {
    this.base[qid] = base;
    this.size[qid] = entries;
    this.head[qid] = 0;
    this.tail[qid] = 0;
    this.cqid[qid] = cqid;
    this.priority[qid] = priority;
    if (qid > this.last) this.last = qid;
  }

  exists(qid: number): boolean {
    return qid < this.count && this.size[qid] !== 0;
  }

  remove(qid: number): void {
    this.size[qid] = 0;
  }

  /** Commands announced and not fetched. */
  waiting(qid: number): number {
    const waiting = this.tail[qid] - this.head[qid];
    return waiting < 0 ? waiting + this.size[qid] : waiting;
  }

  /** False when the value is none that the host may write: outside the queue, or past the entries it may fill. */
  acceptTail(qid: number, tail: number): boolean {
    const size = this.size[qid];
    if (tail >= size) return false;
    const added = (tail - this.tail[qid] + size) % size;
    if (added > size - 1 - this.waiting(qid)) return false;
    this.tail[qid] = tail;
    return true;
  }

  /** Any queue left that completes to this one (spec N150, Delete CQ). */
  usesCompletionQueue(cqid: number): boolean {
    for (let qid = 0; qid < this.count; qid++) if (this.size[qid] !== 0 && this.cqid[qid] === cqid) return true;
    return false;
  }

  clear(): void {
    this.last = 0;
    this.size.fill(0);
  }
}
