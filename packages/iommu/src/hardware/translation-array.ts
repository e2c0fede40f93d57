/** A translation of that page may be used for reads. */
export const ALLOWS_READ = 1;
/** A translation of that page may be used for writes. */
export const ALLOWS_WRITE = 2;
/** A cached table is one of a second stage whose entries need no accessed bit: its leaves can be read on the quick way. */
export const QUICK_TABLE = 4;

/**
 * A direct-mapped cache of one page size, keyed by the tag of an address space and the page. Tags are unique and never
 * reused, so flushing a space costs nothing here: it takes a new tag. The slot comes from both, as 16 devices that used the
 * same 16 pages missed on every request (25 times the time of a hit). Columns of numbers, so that a hit is a few loads.
 */
export class TranslationArray {
  readonly pageShift: number = 0;
  /** First address of the cached page, or -1: read by the unit's hit path. */
  readonly pages: Float64Array;
  readonly tags: Int32Array;
  readonly rights: Uint8Array;
  /** Physical address of the page (or of the next table, in a paging-structure cache). */
  readonly targets: Float64Array;
  /** Entries minus one. */
  readonly mask: number = 0;
  readonly #offsetMask: number = 0;
  readonly #pagesPerByte: number = 0;
  #used = false;

  /**
   * @param pageShift at most 31, so that an offset in a page is an int32
   * @param entries a power of two
   */
  constructor(pageShift: number, entries: number) {
    this.pageShift = pageShift;
    this.mask = entries - 1;
    this.#offsetMask = 2 ** pageShift - 1;
    this.#pagesPerByte = 2 ** -pageShift;
    this.pages = new Float64Array(entries).fill(-1);
    this.tags = new Int32Array(entries);
    this.rights = new Uint8Array(entries);
    this.targets = new Float64Array(entries);
  }

  /** Slot that holds the page of that address, or -1. */
  find(tag: number, address: number): number {
    if (!this.#used) return -1;
    const page = this.#pageOf(address);
    const slot = this.#slotOf(tag, page);
    return this.pages[slot] === page && this.tags[slot] === tag ? slot : -1;
  }

  /** Returns the slot; -1 with tag 0, which stands for what must not be cached. */
  insert(tag: number, address: number, target: number, rights: number): number {
    if (tag === 0) return -1;
    const page = this.#pageOf(address);
    const slot = this.#slotOf(tag, page);
    this.pages[slot] = page;
    this.tags[slot] = tag;
    this.rights[slot] = rights;
    this.targets[slot] = target;
    this.#used = true;
    return slot;
  }

  /** Drops what the tagged space has cached of the range, pages that only overlap it included. */
  drop(tag: number, start: number, lengthBytes: number): void {
    if (!this.#used) return;
    const pageBytes = this.#offsetMask + 1;
    const first = this.#pageOf(start);
    if (lengthBytes <= pageBytes) {
      this.#dropPage(tag, first);
      return;
    }
    const count = Math.ceil((start + lengthBytes - first) / pageBytes);
    if (count > this.mask) this.#sweep(tag, first, start + lengthBytes);
    else for (let i = 0; i < count; i++) this.#dropPage(tag, first + i * pageBytes);
  }

  clear(): void {
    this.pages.fill(-1);
    this.#used = false;
  }

  #dropPage(tag: number, page: number): void {
    const slot = this.#slotOf(tag, page);
    if (this.pages[slot] === page && this.tags[slot] === tag) this.pages[slot] = -1;
  }

  #sweep(tag: number, first: number, end: number): void {
    for (let slot = 0; slot <= this.mask; slot++) {
      if (this.tags[slot] === tag && this.pages[slot] >= first && this.pages[slot] < end) this.pages[slot] = -1;
    }
  }

  /** The remainder by a mask: `%` on doubles is a call. */
  #pageOf(address: number): number {
    return address - (address & this.#offsetMask);
  }

  /** Exact, as the factor is a power of two; `page >>> shift` would lose the bits above 2^32. */
  #slotOf(tag: number, page: number): number {
    return ((page * this.#pagesPerByte) ^ tag) & this.mask;
  }
}
