import { QueueColumns } from './queue-columns.ts';

/** The controller's side of all completion queues: the device adds, the host takes and tells how far (spec N130). */
export class CompletionQueues extends QueueColumns {
  /** Phase of the next entry; starts 1, toggles at each wrap. */
  readonly phase: Uint8Array;
  readonly vector: Int32Array;
  readonly interruptsEnabled: Uint8Array;
  /** Entries posted since the last interrupt of this queue. */
  readonly unsignalled: Int32Array;

  constructor(count: number) {
    super(count);
    this.phase = new Uint8Array(count);
    this.vector = new Int32Array(count);
    this.interruptsEnabled = new Uint8Array(count);
    this.unsignalled = new Int32Array(count);
  }

  create(qid: number, base: number, entries: number, vector: number, interruptsEnabled: number): void {
    this.start(qid, base, entries);
    this.phase[qid] = 1;
    this.vector[qid] = vector;
    this.interruptsEnabled[qid] = interruptsEnabled;
    this.unsignalled[qid] = 0;
  }

  isFull(qid: number): boolean {
    const next = this.tail[qid] + 1;
    return (next === this.size[qid] ? 0 : next) === this.head[qid];
  }

  /** Entries that can be posted before the host takes any. */
  room(qid: number): number {
    return this.size[qid] - 1 - this.occupied(qid);
  }

  /** Takes the next entry, toggling the phase at the wrap; the caller saw that the queue is not full. */
  advanceTail(qid: number): void {
    const next = this.tail[qid] + 1;
    if (next === this.size[qid]) {
      this.tail[qid] = 0;
      this.phase[qid] ^= 1;
    } else {
      this.tail[qid] = next;
    }
  }

  /** False when the value is none that the host may write: outside the queue, or past the entries posted. */
  acceptHead(qid: number, head: number): boolean {
    return this.accept(this.head, qid, head, this.occupied(qid));
  }
}
