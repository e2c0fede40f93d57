/** Entries in a node. Wide nodes keep the tree flat: three levels of inner nodes at a million ranges. */
export const FANOUT = 64;
const FANOUT_SHIFT = 6;

/**
 * Nodes of a B+ tree in typed arrays. Entries are in **descending** order: addresses are handed out from the top down,
 * so a new range goes near the end of its node and few entries move. Entry i of node n is at `n * FANOUT + i`.
 *
 * In a leaf an entry is a range: key = first page, value = pages, gap = order of the free space right below it.
 * In an inner node it is a child: key = highest page that a range in it may start at, value = node number, gap = the
 * largest gap in it.
 */
export class RangeNodes {
  keys = new Float64Array(0);
  values = new Uint32Array(0);
  gaps = new Uint8Array(0);
  counts = new Int32Array(0);
  /** Leaves in order: the one with lower ranges, and the one with higher; -1 at the ends. */
  lower = new Int32Array(0);
  higher = new Int32Array(0);
  #used = 0;
  #free: number[] = [];

  /** A node without entries and neighbours. */
  take(): number {
    const node = this.#free.pop() ?? this.#fresh();
    this.counts[node] = 0;
    this.lower[node] = -1;
    this.higher[node] = -1;
    return node;
  }

  give(node: number): void {
    this.#free.push(node);
  }

  /** First entry from `from` on whose key is below `key`; the count if there is none. */
  firstBelow(node: number, from: number, key: number): number {
    const base = node << FANOUT_SHIFT;
    let low = base + from;
    let high = base + this.counts[node];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.keys[middle] < key) high = middle;
      else low = middle + 1;
    }
    return low - base;
  }

  insertAt(node: number, position: number, key: number, value: number, gap: number): void {
    const at = (node << FANOUT_SHIFT) + position;
    // A loop, because few entries move: copyWithin costs 40 ns a call before it moves anything.
    for (let i = (node << FANOUT_SHIFT) + this.counts[node]++; i > at; i--) {
      this.keys[i] = this.keys[i - 1];
      this.values[i] = this.values[i - 1];
      this.gaps[i] = this.gaps[i - 1];
    }
    this.keys[at] = key;
    this.values[at] = value;
    this.gaps[at] = gap;
  }

  removeAt(node: number, position: number): void {
    const last = (node << FANOUT_SHIFT) + --this.counts[node];
    for (let i = (node << FANOUT_SHIFT) + position; i < last; i++) {
      this.keys[i] = this.keys[i + 1];
      this.values[i] = this.values[i + 1];
      this.gaps[i] = this.gaps[i + 1];
    }
  }

  /** Moves the entries from `position` on to the empty node `to`. */
  moveTail(node: number, position: number, to: number): void {
    const from = (node << FANOUT_SHIFT) + position;
    const end = (node << FANOUT_SHIFT) + this.counts[node];
    this.keys.copyWithin(to << FANOUT_SHIFT, from, end);
    this.values.copyWithin(to << FANOUT_SHIFT, from, end);
    this.gaps.copyWithin(to << FANOUT_SHIFT, from, end);
    this.counts[to] = end - from;
    this.counts[node] = position;
  }

  largestGap(node: number): number {
    const base = node << FANOUT_SHIFT;
    const end = base + this.counts[node];
    let largest = 0;
    for (let i = base; i < end; i++) if (this.gaps[i] > largest) largest = this.gaps[i];
    return largest;
  }

  copyFrom(other: RangeNodes): void {
    while (this.counts.length < other.#used) this.#grow();
    const entries = other.#used << FANOUT_SHIFT;
    this.keys.set(other.keys.subarray(0, entries));
    this.values.set(other.values.subarray(0, entries));
    this.gaps.set(other.gaps.subarray(0, entries));
    this.counts.set(other.counts.subarray(0, other.#used));
    this.lower.set(other.lower.subarray(0, other.#used));
    this.higher.set(other.higher.subarray(0, other.#used));
    this.#used = other.#used;
    this.#free = other.#free.slice();
  }

  /** Bytes that the arrays take. */
  get byteLength(): number {
    return this.counts.length * (FANOUT * (8 + 4 + 1) + 3 * 4);
  }

  #fresh(): number {
    if (this.#used === this.counts.length) this.#grow();
    return this.#used++;
  }

  /** By a fifth, not by two: at a million ranges the difference is 10 MB, and the copies are a nanosecond a range. */
  #grow(): void {
    const nodes = Math.max(4, Math.ceil(this.counts.length * 1.2));
    this.keys = grown(this.keys, new Float64Array(nodes << FANOUT_SHIFT));
    this.values = grown(this.values, new Uint32Array(nodes << FANOUT_SHIFT));
    this.gaps = grown(this.gaps, new Uint8Array(nodes << FANOUT_SHIFT));
    this.counts = grown(this.counts, new Int32Array(nodes));
    this.lower = grown(this.lower, new Int32Array(nodes));
    this.higher = grown(this.higher, new Int32Array(nodes));
  }
}

function grown<T extends Float64Array | Uint32Array | Int32Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
