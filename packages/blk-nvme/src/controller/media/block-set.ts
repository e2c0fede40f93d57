const PAGE_BLOCKS = 32768;

/** A set of logical blocks as a sparse bitmap: which were written, which are uncorrectable. */
export class BlockSet {
  /** Blocks in the set. Guards the searches: most sets stay empty. */
  size = 0;
  readonly #pages: (Uint8Array | undefined)[];

  constructor(blocks: number) {
    this.#pages = new Array(Math.ceil(blocks / PAGE_BLOCKS)).fill(undefined);
  }

  addRange(first: number, count: number): void {
    for (let block = first; block < first + count; ) {
      const index = Math.floor(block / PAGE_BLOCKS);
      let page = this.#pages[index];
      if (page === undefined) {
        page = new Uint8Array(PAGE_BLOCKS / 8);
        this.#pages[index] = page;
      }
      const end = Math.min(first + count, (index + 1) * PAGE_BLOCKS);
      for (; block < end; block++) {
        const inPage = block - index * PAGE_BLOCKS;
        const mask = 1 << (inPage & 7);
        if ((page[inPage >>> 3] & mask) === 0) this.size++;
        page[inPage >>> 3] |= mask;
      }
    }
  }

  removeRange(first: number, count: number): void {
    if (this.size === 0) return;
    for (let block = first; block < first + count; block++) {
      const page = this.#pages[Math.floor(block / PAGE_BLOCKS)];
      if (page === undefined) continue;
      const inPage = block % PAGE_BLOCKS;
      const mask = 1 << (inPage & 7);
      if ((page[inPage >>> 3] & mask) !== 0) this.size--;
      page[inPage >>> 3] &= ~mask;
    }
  }

  has(block: number): boolean {
    const page = this.#pages[Math.floor(block / PAGE_BLOCKS)];
    return page !== undefined && (page[(block % PAGE_BLOCKS) >>> 3] & (1 << (block & 7))) !== 0;
  }

  /** The first block of the set from `first` on and below `end`, or `end`. */
  next(first: number, end: number): number {
    for (let block = first; block < end; ) {
      const index = Math.floor(block / PAGE_BLOCKS);
      if (this.#pages[index] === undefined) block = (index + 1) * PAGE_BLOCKS;
      else if (this.has(block)) return block;
      else block++;
    }
    return end;
  }

  hasAny(first: number, count: number): boolean {
    if (this.size === 0) return false;
    for (let block = first; block < first + count; block++) if (this.has(block)) return true;
    return false;
  }

  hasAll(first: number, count: number): boolean {
    for (let block = first; block < first + count; block++) if (!this.has(block)) return false;
    return true;
  }
}
