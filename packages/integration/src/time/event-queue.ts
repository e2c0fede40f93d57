const FIRST_CAPACITY = 64;

/**
 * Events of a simulation: a time in whole nanoseconds, a code for a switch, and two operands. A binary heap of slot
 * numbers over columns; events of the same time come out in the order in which they went in.
 */
export class EventQueue {
  #times = new Float64Array(FIRST_CAPACITY);
  #orders = new Float64Array(FIRST_CAPACITY);
  #codes = new Int32Array(FIRST_CAPACITY);
  #firsts = new Int32Array(FIRST_CAPACITY);
  #seconds = new Int32Array(FIRST_CAPACITY);
  /** Slots in heap order, then the free ones. */
  #heap = new Int32Array(FIRST_CAPACITY).map((_, i) => i);
  #length = 0;
  #pushed = 0;
  /** The event that {@link pop} took out. */
  time = 0;
  code = 0;
  first = 0;
  second = 0;

  get length(): number {
    return this.#length;
  }

  /** When the earliest event comes; infinity without any. */
  get nextTime(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : this.#times[this.#heap[0]];
  }

  push(time: number, code: number, first = 0, second = 0): void {
    if (this.#length === this.#heap.length) this.#grow();
    const slot = this.#heap[this.#length];
    this.#times[slot] = time;
    this.#orders[slot] = this.#pushed++;
    this.#codes[slot] = code;
    this.#firsts[slot] = first;
    this.#seconds[slot] = second;
    this.#rise(this.#length++, slot);
  }

  /** Takes the earliest event out, into {@link time}, {@link code} and the operands; false without any. */
  pop(): boolean {
    if (this.#length === 0) return false;
    const heap = this.#heap;
    const slot = heap[0];
    this.time = this.#times[slot];
    this.code = this.#codes[slot];
    this.first = this.#firsts[slot];
    this.second = this.#seconds[slot];
    const last = heap[--this.#length];
    heap[this.#length] = slot;
    if (this.#length > 0) this.#sink(last);
    return true;
  }

  #isBefore(slot: number, other: number): boolean {
    const difference = this.#times[slot] - this.#times[other];
    return difference < 0 || (difference === 0 && this.#orders[slot] < this.#orders[other]);
  }

  #rise(at: number, slot: number): void {
    const heap = this.#heap;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(slot, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = slot;
  }

  #sink(slot: number): void {
    const heap = this.#heap;
    const length = this.#length;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && this.#isBefore(heap[child + 1], heap[child])) child++;
      if (!this.#isBefore(heap[child], slot)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = slot;
  }

  #grow(): void {
    const capacity = this.#heap.length * 2;
    this.#times = widened(this.#times, new Float64Array(capacity));
    this.#orders = widened(this.#orders, new Float64Array(capacity));
    this.#codes = widened(this.#codes, new Int32Array(capacity));
    this.#firsts = widened(this.#firsts, new Int32Array(capacity));
    this.#seconds = widened(this.#seconds, new Int32Array(capacity));
    this.#heap = widened(
      this.#heap,
      new Int32Array(capacity).map((_, i) => i),
    );
  }
}

function widened<A extends { set(from: A): void }>(from: A, into: A): A {
  into.set(from);
  return into;
}
