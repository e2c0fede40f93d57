import { assertInvariant } from '../core/errors.ts';
import { gapOrder } from './gap-order.ts';
import { FANOUT, RangeNodes } from './range-nodes.ts';

/** Stands for the anchor above all ranges (spec I4): higher than any page number of a 52-bit address. */
export const ANCHOR_PFN = 2 ** 52;
/** Pages in the longest range that one entry can hold (16 TiB of 4 KiB pages). */
export const MAX_RANGE_PAGES = 2 ** 32 - 1;
const MAX_LEVELS = 12;

/**
 * An ordered set of disjoint ranges of pages, each known by its first page. A B+ tree whose inner nodes know the largest
 * gap below them, so that a search for free space passes over full regions at once, however many ranges they hold.
 *
 * The kernel's tree is a red-black one and walks every range on its way; its shape can't be observed (spec I14), so only
 * the answers must agree. Checked against a brute-force list in range-tree.prop.test.ts.
 */
export class RangeTree {
  readonly #nodes = new RangeNodes();
  /** Nodes and slots from the root (level `#height`) down to a leaf (level 0), as the latest descent took them. */
  readonly #pathNode = new Int32Array(MAX_LEVELS);
  readonly #pathSlot = new Int32Array(MAX_LEVELS);
  #root = this.#nodes.take();
  #height = 0;
  #size = 0;
  #lastInserted = -1;
  /** Sum of a hash of every range: tells most sets that differ apart at once. */
  #signature = 0;

  /** Number of ranges. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that the ranges take. */
  get byteLength(): number {
    return this.#nodes.byteLength;
  }

  /** First page of the range that contains `pfn`, or -1. */
  find(pfn: number): number {
    const at = this.#atOrBelow(pfn);
    if (at < 0) return -1;
    const lo = this.#nodes.keys[at];
    return pfn < lo + this.#nodes.values[at] ? lo : -1;
  }

  /** Pages in the range that starts at `lo`; 0 if none does. */
  lengthOf(lo: number): number {
    const at = this.#atOrBelow(lo);
    return at >= 0 && this.#nodes.keys[at] === lo ? this.#nodes.values[at] : 0;
  }

  /** First page of the lowest range that starts above `pfn`, or the anchor. */
  above(pfn: number): number {
    const nodes = this.#nodes;
    const leaf = this.#descend(pfn);
    return this.#keyAbove(leaf, nodes.firstBelow(leaf, 0, pfn + 1));
  }

  /** Adds a range that meets no other; at most {@link MAX_RANGE_PAGES} long. */
  insert(lo: number, length: number): void {
    const nodes = this.#nodes;
    let leaf = this.#descend(lo);
    let position = nodes.firstBelow(leaf, 0, lo + 1);
    if (nodes.counts[leaf] === FANOUT) {
      leaf = this.#makeRoom(lo, position);
      position = nodes.firstBelow(leaf, 0, lo + 1);
    }
    nodes.insertAt(leaf, position, lo, length, gapOrder(this.#endAt(leaf, position), lo));
    this.#refreshGaps(leaf);
    this.#refreshAbove(leaf, position, lo + length);
    this.#lastInserted = lo;
    this.#signature = (this.#signature + rangeHash(lo, length)) | 0;
    this.#size++;
  }

  /** Takes the range that starts at `lo` out. */
  remove(lo: number): void {
    const nodes = this.#nodes;
    const leaf = this.#descend(lo);
    const position = nodes.firstBelow(leaf, 0, lo + 1);
    assertInvariant(nodes.keys[leaf * FANOUT + position] === lo, `a range starts at page ${lo}`);
    const freeFrom = this.#endAt(leaf, position + 1);
    const above = this.#keyAbove(leaf, position);
    this.#signature = (this.#signature - rangeHash(lo, nodes.values[leaf * FANOUT + position])) | 0;
    nodes.removeAt(leaf, position);
    this.#size--;
    if (nodes.counts[leaf] === 0 && this.#height > 0) this.#dropLeaf(leaf);
    else this.#refreshGaps(leaf);
    if (above === ANCHOR_PFN) return;
    const leafAbove = this.#descend(above);
    const entryAbove = nodes.firstBelow(leafAbove, 0, above + 1);
    nodes.gaps[leafAbove * FANOUT + entryAbove] = gapOrder(freeFrom, above);
    this.#refreshGaps(leafAbove);
  }

  /** Highest multiple of `align` at or above `low` where `length` free pages end at or below `bound`; -1 if there is none. */
  highestFit(bound: number, low: number, length: number, align: number): number {
    const nodes = this.#nodes;
    let candidate = Math.floor((bound - length) / align) * align;
    if (candidate < low) return -1;
    let leaf = this.#descend(bound - 1);
    let position = nodes.firstBelow(leaf, 0, bound);
    if (candidate >= this.#endAt(leaf, position)) return candidate;
    if (position === nodes.counts[leaf]) {
      leaf = this.#nextWithGap(0);
      position = 0;
    }
    const order = neededOrder(length, align);
    while (leaf >= 0) {
      for (; position < nodes.counts[leaf]; position++) {
        const at = leaf * FANOUT + position;
        if (nodes.gaps[at] < order) continue;
        candidate = Math.floor((nodes.keys[at] - length) / align) * align;
        if (candidate < low) return -1;
        if (candidate >= this.#endAt(leaf, position + 1)) return candidate;
      }
      leaf = this.#nextWithGap(order);
      position = 0;
    }
    return -1;
  }

  /** Equal for equal sets, and rarely for others. */
  get signature(): number {
    return this.#signature;
  }

  /** Becomes a copy of `other`. */
  copyFrom(other: RangeTree): void {
    this.#nodes.copyFrom(other.#nodes);
    this.#root = other.#root;
    this.#height = other.#height;
    this.#size = other.#size;
    this.#lastInserted = other.#lastInserted;
    this.#signature = other.#signature;
  }

  /** Holds the same ranges. */
  equals(other: RangeTree): boolean {
    if (this.#size !== other.#size || this.#signature !== other.#signature) return false;
    const theirs = other.ranges();
    for (const { lo, length } of this.ranges()) {
      const { value } = theirs.next();
      if (value === undefined || value.lo !== lo || value.length !== length) return false;
    }
    return true;
  }

  /** Every range from the highest down. */
  *ranges(): Generator<{ lo: number; length: number }, undefined> {
    const nodes = this.#nodes;
    for (let leaf = this.#descend(ANCHOR_PFN); leaf >= 0; leaf = nodes.lower[leaf]) {
      for (let at = leaf * FANOUT; at < leaf * FANOUT + nodes.counts[leaf]; at++) {
        yield { lo: nodes.keys[at], length: nodes.values[at] };
      }
    }
  }

  /** Goes to the leaf in which a range that starts at `pfn` belongs. */
  #descend(pfn: number): number {
    const nodes = this.#nodes;
    let node = this.#root;
    for (let level = this.#height; level > 0; level--) {
      const slot = nodes.firstBelow(node, 1, pfn) - 1;
      this.#pathNode[level] = node;
      this.#pathSlot[level] = slot;
      node = nodes.values[node * FANOUT + slot];
    }
    this.#pathNode[0] = node;
    return node;
  }

  /** Index of the entry with the highest start at or below `pfn`, or -1. */
  #atOrBelow(pfn: number): number {
    const leaf = this.#descend(pfn);
    return this.#entry(leaf, this.#nodes.firstBelow(leaf, 0, pfn + 1));
  }

  /** Index of an entry of this leaf or, past its end, of the next lower leaf's first; -1 if there is none. */
  #entry(leaf: number, position: number): number {
    if (position < this.#nodes.counts[leaf]) return leaf * FANOUT + position;
    const lower = this.#nodes.lower[leaf];
    return lower < 0 ? -1 : lower * FANOUT;
  }

  /** First page above that entry's range; 0 past the lowest. */
  #endAt(leaf: number, position: number): number {
    const at = this.#entry(leaf, position);
    return at < 0 ? 0 : this.#nodes.keys[at] + this.#nodes.values[at];
  }

  /** Start of the range right above a position in a leaf, or the anchor. */
  #keyAbove(leaf: number, position: number): number {
    const nodes = this.#nodes;
    if (position > 0) return nodes.keys[leaf * FANOUT + position - 1];
    const higher = nodes.higher[leaf];
    return higher < 0 ? ANCHOR_PFN : nodes.keys[higher * FANOUT + nodes.counts[higher] - 1];
  }

  /** The gap below the range above `position` now starts at `freeFrom`. */
  #refreshAbove(leaf: number, position: number, freeFrom: number): void {
    const nodes = this.#nodes;
    const above = this.#keyAbove(leaf, position);
    if (above === ANCHOR_PFN) return;
    const owner = position > 0 ? leaf : this.#descend(above);
    const at = owner * FANOUT + (position > 0 ? position : nodes.counts[owner]) - 1;
    nodes.gaps[at] = gapOrder(freeFrom, above);
    this.#refreshGaps(owner);
  }

  /** Carries a changed gap of the leaf at the end of the path up to where it makes no difference. */
  #refreshGaps(leaf: number): void {
    const nodes = this.#nodes;
    let largest = nodes.largestGap(leaf);
    for (let level = 1; level <= this.#height; level++) {
      const at = this.#pathNode[level] * FANOUT + this.#pathSlot[level];
      if (nodes.gaps[at] === largest) return;
      nodes.gaps[at] = largest;
      largest = nodes.largestGap(this.#pathNode[level]);
    }
  }

  /** The next lower leaf that has a gap of at least this order, from the path's leaf on; -1 if there is none. */
  #nextWithGap(order: number): number {
    const nodes = this.#nodes;
    for (let level = 1; level <= this.#height; level++) {
      const node = this.#pathNode[level];
      for (let slot = this.#pathSlot[level] + 1; slot < nodes.counts[node]; slot++) {
        if (nodes.gaps[node * FANOUT + slot] < order) continue;
        this.#pathSlot[level] = slot;
        return this.#firstWithGap(nodes.values[node * FANOUT + slot], level - 1, order);
      }
    }
    return -1;
  }

  #firstWithGap(node: number, level: number, order: number): number {
    const nodes = this.#nodes;
    for (; level > 0; level--) {
      let slot = 0;
      while (nodes.gaps[node * FANOUT + slot] < order) slot++;
      this.#pathNode[level] = node;
      this.#pathSlot[level] = slot;
      node = nodes.values[node * FANOUT + slot];
    }
    this.#pathNode[0] = node;
    return node;
  }

  /** Splits the full leaf on the path, and full nodes above it first; returns the leaf where `lo` then belongs. */
  #makeRoom(lo: number, position: number): number {
    const nodes = this.#nodes;
    let level = 0;
    while (level < this.#height && nodes.counts[this.#pathNode[level + 1]] === FANOUT) level++;
    if (level === this.#height) this.#growRoot();
    this.#descend(lo);
    // Ranges that come one below the other leave a full leaf behind: half-full ones would take twice the memory.
    const downwards = position > 0 && this.#keyAbove(this.#pathNode[0], position) === this.#lastInserted;
    for (; level >= 0; level--) {
      const half = FANOUT / 2;
      if (level === 0 && downwards) this.#split(0, position, lo);
      else this.#split(level, half, nodes.keys[this.#pathNode[level] * FANOUT + half]);
      this.#descend(lo);
    }
    return this.#pathNode[0];
  }

  /** Moves the entries from `position` on to a new node, in which ranges from `key` down belong. */
  #split(level: number, position: number, key: number): void {
    const nodes = this.#nodes;
    const node = this.#pathNode[level];
    const fresh = nodes.take();
    nodes.moveTail(node, position, fresh);
    if (level === 0) {
      const lower = nodes.lower[node];
      nodes.lower[fresh] = lower;
      nodes.higher[fresh] = node;
      nodes.lower[node] = fresh;
      if (lower >= 0) nodes.higher[lower] = fresh;
    }
    const parent = this.#pathNode[level + 1];
    const slot = this.#pathSlot[level + 1];
    nodes.gaps[parent * FANOUT + slot] = nodes.largestGap(node);
    nodes.insertAt(parent, slot + 1, key, fresh, nodes.largestGap(fresh));
  }

  #growRoot(): void {
    const root = this.#nodes.take();
    this.#nodes.insertAt(root, 0, ANCHOR_PFN, this.#root, this.#nodes.largestGap(this.#root));
    this.#root = root;
    this.#height++;
  }

  /** Takes the empty leaf on the path out of the tree, with every node above it that it leaves empty. */
  #dropLeaf(leaf: number): void {
    const nodes = this.#nodes;
    const lower = nodes.lower[leaf];
    const higher = nodes.higher[leaf];
    if (lower >= 0) nodes.higher[lower] = higher;
    if (higher >= 0) nodes.lower[higher] = lower;
    let level = 0;
    do {
      nodes.give(this.#pathNode[level]);
      level++;
      nodes.removeAt(this.#pathNode[level], this.#pathSlot[level]);
    } while (level < this.#height && nodes.counts[this.#pathNode[level]] === 0);
    this.#carryUp(level);
    while (this.#height > 0 && nodes.counts[this.#root] <= 1) this.#lowerRoot();
  }

  /** Like {@link #refreshGaps}, from an inner node of the path that lost a child. */
  #carryUp(level: number): void {
    const nodes = this.#nodes;
    for (; level < this.#height; level++) {
      const at = this.#pathNode[level + 1] * FANOUT + this.#pathSlot[level + 1];
      nodes.gaps[at] = nodes.largestGap(this.#pathNode[level]);
    }
  }

  #lowerRoot(): void {
    const nodes = this.#nodes;
    const root = this.#root;
    this.#height--;
    this.#root = nodes.counts[root] === 1 ? nodes.values[root * FANOUT] : nodes.take();
    if (nodes.counts[root] === 0) this.#height = 0;
    nodes.give(root);
  }
}

function rangeHash(lo: number, length: number): number {
  const mixed = Math.imul(lo ^ (lo / 2 ** 32) ^ Math.imul(length, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** A gap of a lower order holds no such range. Exact for powers of two aligned to themselves, else a first sieve. */
function neededOrder(length: number, align: number): number {
  const floor = gapOrder(0, length);
  return align >= length ? floor : Math.max(1, floor - 1);
}
