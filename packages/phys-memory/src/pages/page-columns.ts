import { INITIAL_TYPE, MIGRATE_TYPES } from './migrate-type.ts';
import { PAGEBLOCK_PAGES } from './order.ts';
import { SECTION_PAGES } from './section-table.ts';

/** Flags of a page descriptor (spec P13). */
export const PageFlag = {
  /** Never given to the page allocator, or not RAM at all. */
  RESERVED: 1 << 0,
  /** First page of a free block; `order` says how large. */
  BUDDY: 1 << 1,
  /** First page of a compound, and the others. */
  HEAD: 1 << 2,
  TAIL: 1 << 3,
  /** Of an allocated block: movable, so that a contiguous range may push it away. */
  MOVABLE: 1 << 4,
} as const;

/** The columns of one section. All zeros is a page of RAM inside a free block. */
interface Columns {
  readonly flags: Uint8Array;
  /** Of the first page of a free or allocated block. */
  readonly order: Uint8Array;
  readonly count: Int32Array;
  /** Whatever number the allocating caller gave. */
  readonly owner: Int32Array;
  /** Neighbours in a free list, of the first page of a free block; -1 at the ends. */
  readonly next: Float64Array;
  readonly previous: Float64Array;
  /** Migrate types of the 2 MiB blocks. */
  readonly blockType: Uint8Array;
}

/**
 * Page descriptors as columns, 32768 pages at a time, made when a page of the section is first looked at. Their cost
 * follows what is used: a section nobody asks about has none.
 */
export class PageColumns {
  readonly #sections = new Map<number, Columns>();
  readonly #initialise: (columns: PageColumns, first: number, last: number) => void;
  #lastNumber = -1;
  #last: Columns | undefined;

  /** @param initialise marks what is not free RAM in a section that was just made */
  constructor(initialise: (columns: PageColumns, first: number, last: number) => void) {
    this.#initialise = initialise;
  }

  flags(pfn: number): number {
    return this.#section(pfn).flags[pfn % SECTION_PAGES];
  }

  setFlags(pfn: number, flags: number): void {
    this.#section(pfn).flags[pfn % SECTION_PAGES] = flags;
  }

  order(pfn: number): number {
    return this.#section(pfn).order[pfn % SECTION_PAGES];
  }

  setOrder(pfn: number, order: number): void {
    this.#section(pfn).order[pfn % SECTION_PAGES] = order;
  }

  count(pfn: number): number {
    return this.#section(pfn).count[pfn % SECTION_PAGES];
  }

  setCount(pfn: number, count: number): void {
    this.#section(pfn).count[pfn % SECTION_PAGES] = count;
  }

  owner(pfn: number): number {
    return this.#section(pfn).owner[pfn % SECTION_PAGES];
  }

  setOwner(pfn: number, owner: number): void {
    this.#section(pfn).owner[pfn % SECTION_PAGES] = owner;
  }

  next(pfn: number): number {
    return this.#section(pfn).next[pfn % SECTION_PAGES];
  }

  setNext(pfn: number, next: number): void {
    this.#section(pfn).next[pfn % SECTION_PAGES] = next;
  }

  previous(pfn: number): number {
    return this.#section(pfn).previous[pfn % SECTION_PAGES];
  }

  setPrevious(pfn: number, previous: number): void {
    this.#section(pfn).previous[pfn % SECTION_PAGES] = previous;
  }

  /** Migrate type of the 2 MiB block that the page is in. */
  blockType(pfn: number): number {
    return this.#section(pfn).blockType[Math.floor((pfn % SECTION_PAGES) / PAGEBLOCK_PAGES)];
  }

  setBlockType(pfn: number, type: number): void {
    if (!(type >= 0 && type < MIGRATE_TYPES))
      throw new RangeError(`migrate type ${type} is not 0 to ${MIGRATE_TYPES - 1}`);
    this.#section(pfn).blockType[Math.floor((pfn % SECTION_PAGES) / PAGEBLOCK_PAGES)] = type;
  }

  #section(pfn: number): Columns {
    const number = Math.floor(pfn / SECTION_PAGES);
    if (number === this.#lastNumber && this.#last !== undefined) return this.#last;
    const found = this.#sections.get(number);
    const section = found ?? newSection();
    this.#lastNumber = number;
    this.#last = section;
    if (found === undefined) {
      this.#sections.set(number, section);
      this.#initialise(this, number * SECTION_PAGES, (number + 1) * SECTION_PAGES - 1);
    }
    return section;
  }
}

function newSection(): Columns {
  return {
    flags: new Uint8Array(SECTION_PAGES),
    order: new Uint8Array(SECTION_PAGES),
    count: new Int32Array(SECTION_PAGES),
    owner: new Int32Array(SECTION_PAGES),
    next: new Float64Array(SECTION_PAGES),
    previous: new Float64Array(SECTION_PAGES),
    blockType: new Uint8Array(SECTION_PAGES / PAGEBLOCK_PAGES).fill(INITIAL_TYPE),
  };
}
