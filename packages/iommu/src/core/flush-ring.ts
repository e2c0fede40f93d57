/**
 * What one CPU has unmapped and nobody has invalidated yet: ranges in the order they came, each with the number of flushes
 * that had started by then. Columns are plain arrays, which hold small integers without a detour over doubles (magazine.ts).
 */
export class FlushRing {
  /** Slots minus one; one slot stays free, so that a full ring differs from an empty one (spec I99). */
  readonly mask: number = 0;
  readonly pfns: number[];
  readonly pages: number[];
  /** 32 bits that wrap. */
  readonly counters: number[];
  /** The oldest range, and where the next one goes. */
  head = 0;
  tail = 0;
  /** Flushes that had finished when everything they cover was taken out. */
  drainedAt = 0;

  constructor(slots: number) {
    this.mask = slots - 1;
    this.pfns = zeros(slots);
    this.pages = zeros(slots);
    this.counters = zeros(slots);
  }

  get waiting(): number {
    return (this.tail - this.head) & this.mask;
  }

  /** Slot of the i-th oldest range. */
  slotOf(i: number): number {
    return (this.head + i) & this.mask;
  }

  /** A flush that started after the range was queued has finished: counters wrap, so their difference decides. */
  isFlushed(slot: number, finished: number): boolean {
    return ((this.counters[slot] - finished) | 0) < 0;
  }

  /** How many ranges from the oldest on are flushed, single pages, and lie in one piece. */
  flushedPages(finished: number): number {
    const { head, tail, pages, mask } = this;
    const end = head <= tail ? tail : mask + 1;
    let slot = head;
    while (slot < end && pages[slot] === 1 && this.isFlushed(slot, finished)) slot++;
    return slot - head;
  }

  copyFrom(other: FlushRing): void {
    for (let i = 0; i < other.waiting; i++) {
      const slot = other.slotOf(i);
      this.pfns[slot] = other.pfns[slot];
      this.pages[slot] = other.pages[slot];
      this.counters[slot] = other.counters[slot];
    }
    this.head = other.head;
    this.tail = other.tail;
    this.drainedAt = other.drainedAt;
  }

  /** Holds the same ranges in the same order, to be freed at the same time. */
  equals(other: FlushRing, finished: number, othersFinished: number): boolean {
    if (this.waiting !== other.waiting) return false;
    for (let i = 0; i < this.waiting; i++) {
      const mine = this.slotOf(i);
      const theirs = other.slotOf(i);
      if (this.isFlushed(mine, finished) !== other.isFlushed(theirs, othersFinished)) return false;
      if (this.pfns[mine] !== other.pfns[theirs] || this.pages[mine] !== other.pages[theirs]) return false;
    }
    return true;
  }
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0);
}
