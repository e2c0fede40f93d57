/**
 * The controller's side of all completion queues, one column a property, one row a queue id (spec N130). A queue exists
 * while its size is not 0.
 */
export class CompletionQueues {
  readonly count: number;
  readonly base: Float64Array;
  readonly size: Int32Array;
  /** As the host last told: entries from here to `tail` are not yet consumed. */
  readonly head: Int32Array;
  readonly tail: Int32Array;
  /** Phase of the next entry; starts 1, toggles at each wrap. */
  readonly phase: Uint8Array;
  readonly vector: Int32Array;
  readonly interruptsEnabled: Uint8Array;
  /** Entries posted since the last interrupt of this queue. */
  readonly unsignalled: Int32Array;

  constructor(count: number) {
    this.count = count;
    this.base = new Float64Array(count);
    this.size = new Int32Array(count);
    this.head = new Int32Array(count);
    this.tail = new Int32Array(count);
    this.phase = new Uint8Array(count);
    this.vector = new Int32Array(count);
    this.interruptsEnabled = new Uint8Array(count);
    this.unsignalled = new Int32Array(count);
  }

  create(qid: number, base: number, entries: number, vector: number, interruptsEnabled: number): void {
    this.base[qid] = base;
    this.size[qid] = entries;
    this.head[qid] = 0;
    this.tail[qid] = 0;
    this.phase[qid] = 1;
    this.vector[qid] = vector;
    this.interruptsEnabled[qid] = interruptsEnabled;
    this.unsignalled[qid] = 0;
  }

  exists(qid: number): boolean {
    return qid < this.count && this.size[qid] !== 0;
  }

  remove(qid: number): void {
    this.size[qid] = 0;
  }

  isFull(qid: number): boolean {
    const next = this.tail[qid] + 1;
    return (next === this.size[qid] ? 0 : next) === this.head[qid];
  }

  /** Entries that can be posted before the host takes any. */
  room(qid: number): number {
    const used = this.tail[qid] - this.head[qid];
    return this.size[qid] - 1 - (used < 0 ? used + this.size[qid] : used);
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
    const size = this.size[qid];
    if (head >= size) return false;
    const consumed = (head - this.head[qid] + size) % size;
    const posted = (this.tail[qid] - this.head[qid] + size) % size;
    if (consumed > posted) return false;
    this.head[qid] = head;
    return true;
  }

  clear(): void {
    this.size.fill(0);
  }
}
