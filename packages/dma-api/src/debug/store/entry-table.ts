import { CheckState, EntryType } from './entry-type.ts';

/** Buckets of 8 KiB of DMA address each (spec D81). */
export const HASH_SIZE = 16384;
const BUCKET_SHIFT = 13;
const BUCKET_BYTES = 1 << BUCKET_SHIFT;
/** Entries that one page holds: the table grows by a page at a time (spec D83). */
export const ENTRIES_PER_PAGE = 32;
const GROWTH = 1.2;
/** No entry. */
export const NONE = -1;

const PERFECT_SCORE = 4;

const DIR_MASK = 3;
const TYPE_SHIFT = 2;
const TYPE_MASK = 7;
const STATE_SHIFT = 5;

/**
 * The live mappings: 44 bytes each in columns, chained into buckets in the order they came (spec D80 to D83). An entry is
 * its index; a freed index is the next one handed out.
 */
export class EntryTable {
  address: Float64Array;
  phys: Float64Array;
  size: Float64Array;
  device: Int32Array;
  attrs: Int32Array;
  /** Where the mapping was made, as the feeder numbers places; 0 if it doesn't. */
  site: Int32Array;
  /** Direction, type and check state. */
  #packed: Int32Array;
  /** Next in the bucket, or in the free list. */
  #next: Int32Array;
  readonly #head = new Int32Array(HASH_SIZE).fill(NONE);
  readonly #tail = new Int32Array(HASH_SIZE).fill(NONE);
  /** CPU and mapped count of scatterlist entries, by entry: few mappings have them. */
  readonly #sgCounts = new Map<number, { calls: number; mapped: number }>();
  #firstFree = NONE;
  freeEntries = 0;
  /** Low-water mark since the start (spec D83). */
  minFreeEntries = 0;
  totalEntries = 0;

  constructor(entries: number) {
    this.address = new Float64Array(entries);
    this.phys = new Float64Array(entries);
    this.size = new Float64Array(entries);
    this.device = new Int32Array(entries);
    this.attrs = new Int32Array(entries);
    this.site = new Int32Array(entries);
    this.#packed = new Int32Array(entries);
    this.#next = new Int32Array(entries);
    this.addEntries(entries);
    this.minFreeEntries = entries;
  }

  get full(): boolean {
    return this.#firstFree === NONE;
  }

  /** Takes the head of the free list, which must not be empty. */
  alloc(type: number, dir: number, state: number): number {
    const entry = this.#firstFree;
    this.#firstFree = this.#next[entry];
    if (--this.freeEntries < this.minFreeEntries) this.minFreeEntries = this.freeEntries;
    this.#packed[entry] = dir | (type << TYPE_SHIFT) | (state << STATE_SHIFT);
    return entry;
  }

  /** Puts it at the head of the free list. */
  release(entry: number): void {
    if (this.type(entry) === EntryType.SG) this.#sgCounts.delete(entry);
    this.#next[entry] = this.#firstFree;
    this.#firstFree = entry;
    this.freeEntries++;
  }

  /** Adds entries behind the existing ones; the columns grow by a fifth when they must: twice as long, they took twice the memory. */
  addEntries(count: number): void {
    const first = this.totalEntries;
    this.totalEntries += count;
    this.freeEntries += count;
    if (this.totalEntries > this.address.length)
      this.#grow(Math.max(this.totalEntries, Math.ceil(this.address.length * GROWTH)));
    for (let entry = this.totalEntries - 1; entry >= first; entry--) {
      this.#next[entry] = this.#firstFree;
      this.#firstFree = entry;
    }
  }

  dir(entry: number): number {
    return this.#packed[entry] & DIR_MASK;
  }

  type(entry: number): number {
    return (this.#packed[entry] >> TYPE_SHIFT) & TYPE_MASK;
  }

  state(entry: number): number {
    return this.#packed[entry] >> STATE_SHIFT;
  }

  /** All three at once. */
  is(entry: number, type: number, dir: number, state: number): boolean {
    return this.#packed[entry] === (dir | (type << TYPE_SHIFT) | (state << STATE_SHIFT));
  }

  markChecked(entry: number): void {
    const rest = this.#packed[entry] & ((1 << STATE_SHIFT) - 1);
    this.#packed[entry] = rest | (CheckState.CHECKED << STATE_SHIFT);
  }

  sgCalls(entry: number): number {
    return this.type(entry) === EntryType.SG ? (this.#sgCounts.get(entry)?.calls ?? 0) : 0;
  }

  sgMapped(entry: number): number {
    return this.type(entry) === EntryType.SG ? (this.#sgCounts.get(entry)?.mapped ?? 0) : 0;
  }

  setSgCounts(entry: number, calls: number, mapped: number): void {
    this.#sgCounts.set(entry, { calls, mapped });
  }

  /** Appends at the tail of its bucket. */
  link(entry: number): void {
    const bucket = bucketOf(this.address[entry]);
    const tail = this.#tail[bucket];
    this.#next[entry] = NONE;
    if (tail === NONE) this.#head[bucket] = entry;
    else this.#next[tail] = entry;
    this.#tail[bucket] = entry;
  }

  unlink(entry: number): void {
    const bucket = bucketOf(this.address[entry]);
    const next = this.#next[entry];
    let before = NONE;
    for (let at = this.#head[bucket]; at !== entry; at = this.#next[at]) before = at;
    if (before === NONE) this.#head[bucket] = next;
    else this.#next[before] = next;
    if (next === NONE) this.#tail[bucket] = before;
  }

  /**
   * The mapping at exactly that address (spec D82): a perfect match at once, an imperfect one only if it is the only
   * candidate; two candidates and no perfect one give nothing.
   */
  findExact(device: number, address: number, size: number, type: number, dir: number, sgCalls: number): number {
    let only = NONE;
    let candidates = 0;
    for (let at = this.#head[bucketOf(address)]; at !== NONE; at = this.#next[at]) {
      if (this.address[at] !== address || this.device[at] !== device) continue;
      if (this.#score(at, size, type, dir, sgCalls) === PERFECT_SCORE) return at;
      only = at;
      candidates++;
    }
    return candidates === 1 ? only : NONE;
  }

  /** The mapping that encloses the range, tried from its bucket downwards, by the same scoring (spec D82). */
  findContaining(device: number, address: number, size: number, type: number, dir: number, sgCalls: number): number {
    const buckets = Math.min(HASH_SIZE, Math.floor(address / BUCKET_BYTES) + 1);
    for (let tried = 0; tried < buckets; tried++) {
      const bucket = bucketOf(address - tried * BUCKET_BYTES);
      const found = this.#findIn(bucket, device, address, size, type, dir, sgCalls);
      if (found !== NONE) return found;
    }
    return NONE;
  }

  /** First entry of that device and address whose result nobody looked at, in order of mapping (spec D89). */
  findUnchecked(device: number, address: number): number {
    for (let at = this.#head[bucketOf(address)]; at !== NONE; at = this.#next[at]) {
      if (this.address[at] !== address || this.device[at] !== device) continue;
      if (this.state(at) === CheckState.NOT_CHECKED) return at;
    }
    return NONE;
  }

  /** All live entries in dump order: by bucket, then by age (spec D87). */
  live(): number[] {
    const entries: number[] = [];
    for (let bucket = 0; bucket < HASH_SIZE; bucket++) {
      for (let at = this.#head[bucket]; at !== NONE; at = this.#next[at]) entries.push(at);
    }
    return entries;
  }

  #findIn(
    bucket: number,
    device: number,
    address: number,
    size: number,
    type: number,
    dir: number,
    sgCalls: number,
  ): number {
    let only = NONE;
    let candidates = 0;
    for (let at = this.#head[bucket]; at !== NONE; at = this.#next[at]) {
      const encloses = this.address[at] <= address && this.address[at] + this.size[at] >= address + size;
      if (!encloses || this.device[at] !== device) continue;
      if (this.#score(at, size, type, dir, sgCalls) === PERFECT_SCORE) return at;
      only = at;
      candidates++;
    }
    return candidates === 1 ? only : NONE;
  }

  #score(entry: number, size: number, type: number, dir: number, sgCalls: number): number {
    const packed = this.#packed[entry];
    let score = 0;
    if (this.size[entry] === size) score++;
    if (((packed >> TYPE_SHIFT) & TYPE_MASK) === type) score++;
    if ((packed & DIR_MASK) === dir) score++;
    if (this.sgCalls(entry) === sgCalls) score++;
    return score;
  }

  #grow(capacity: number): void {
    this.address = copied(this.address, new Float64Array(capacity));
    this.phys = copied(this.phys, new Float64Array(capacity));
    this.size = copied(this.size, new Float64Array(capacity));
    this.device = copied(this.device, new Int32Array(capacity));
    this.attrs = copied(this.attrs, new Int32Array(capacity));
    this.site = copied(this.site, new Int32Array(capacity));
    this.#packed = copied(this.#packed, new Int32Array(capacity));
    this.#next = copied(this.#next, new Int32Array(capacity));
  }
}

/**
 * `hash_fn`: bits 13 to 26 of the DMA address (spec D81, T30), which `>>>` reaches in a number of any width. A remainder
 * of doubles here cost 80 ns a map and unmap.
 */
export function bucketOf(address: number): number {
  return (address >>> BUCKET_SHIFT) & (HASH_SIZE - 1);
}

function copied<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
