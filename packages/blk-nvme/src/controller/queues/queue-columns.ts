/**
 * What the controller knows of every queue of one direction, one column a property, one row a queue id (spec N130). A
 * queue exists while its size is not 0. The tail is where entries are added and the head where they are taken, whoever
 * does which.
 */
export class QueueColumns {
  readonly count: number;
  readonly base: Float64Array;
  /** Entries, 2 to 65536. */
  readonly size: Int32Array;
  readonly head: Int32Array;
  readonly tail: Int32Array;
  /** Highest id that was created since the last `clear`: bounds the searches. */
  last = 0;

  constructor(count: number) {
    this.count = count;
    this.base = new Float64Array(count);
    this.size = new Int32Array(count);
    this.head = new Int32Array(count);
    this.tail = new Int32Array(count);
  }

  exists(qid: number): boolean {
    return qid < this.count && this.size[qid] !== 0;
  }

  remove(qid: number): void {
    this.size[qid] = 0;
  }

  clear(): void {
    this.last = 0;
    this.size.fill(0);
    this.head.fill(0);
    this.tail.fill(0);
  }

  /** Entries between head and tail. */
  occupied(qid: number): number {
    return this.#ahead(qid, this.head[qid], this.tail[qid]);
  }

  protected start(qid: number, base: number, entries: number): void {
    this.base[qid] = base;
    this.size[qid] = entries;
    this.head[qid] = 0;
    this.tail[qid] = 0;
    if (qid > this.last) this.last = qid;
  }

  /** Moves one end of a queue as the host says; false when that is outside the queue, or more than `most` entries on. */
  protected accept(end: Int32Array, qid: number, place: number, most: number): boolean {
    if (place >= this.size[qid] || this.#ahead(qid, end[qid], place) > most) return false;
    end[qid] = place;
    return true;
  }

  #ahead(qid: number, from: number, to: number): number {
    const distance = to - from;
    return distance < 0 ? distance + this.size[qid] : distance;
  }
}
