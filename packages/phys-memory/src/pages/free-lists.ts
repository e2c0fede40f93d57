import type { PageRange } from '../map/address-map.ts';
import { INITIAL_TYPE, MIGRATE_TYPES } from './migrate-type.ts';
import { MAX_PAGE_ORDER } from './order.ts';
import { type PageColumns, PageFlag } from './page-columns.ts';

const LARGEST = 2 ** MAX_PAGE_ORDER;

/**
 * The free blocks of a zone: a list for each order and migrate type (spec P37), linked through the descriptors of the
 * blocks' first pages. Largest blocks that nobody touched since boot are kept as ranges behind the end of their list,
 * in the order that the boot release would have appended them, so that a terabyte costs nothing until it is used.
 */
export class FreeLists {
  readonly #columns: PageColumns;
  readonly #heads = new Float64Array((MAX_PAGE_ORDER + 1) * MIGRATE_TYPES).fill(-1);
  readonly #tails = new Float64Array((MAX_PAGE_ORDER + 1) * MIGRATE_TYPES).fill(-1);
  /** Ascending, disjoint, made of whole largest blocks of the initial type. */
  #untouched: PageRange[] = [];
  #freePages = 0;

  constructor(columns: PageColumns) {
    this.#columns = columns;
  }

  get freePages(): number {
    return this.#freePages;
  }

  /** The first block of the list, or -1. */
  first(order: number, type: number): number {
    const head = this.#heads[order * MIGRATE_TYPES + type];
    if (head >= 0 || order < MAX_PAGE_ORDER || type !== INITIAL_TYPE) return head;
    const untouched = this.#untouched[0];
    if (untouched === undefined) return -1;
    this.#enlist(untouched.first);
    return untouched.first;
  }

  pushHead(pfn: number, order: number, type: number): void {
    const list = order * MIGRATE_TYPES + type;
    const head = this.#heads[list];
    this.#mark(pfn, order);
    this.#columns.setNext(pfn, head);
    this.#columns.setPrevious(pfn, -1);
    if (head >= 0) this.#columns.setPrevious(head, pfn);
    else this.#tails[list] = pfn;
    this.#heads[list] = pfn;
  }

  pushTail(pfn: number, order: number, type: number): void {
    const list = order * MIGRATE_TYPES + type;
    const tail = this.#tails[list];
    this.#mark(pfn, order);
    this.#columns.setNext(pfn, -1);
    this.#columns.setPrevious(pfn, tail);
    if (tail >= 0) this.#columns.setNext(tail, pfn);
    else this.#heads[list] = pfn;
    this.#tails[list] = pfn;
  }

  /** Takes a block out of its list. */
  remove(pfn: number, order: number, type: number): void {
    const list = order * MIGRATE_TYPES + type;
    const next = this.#columns.next(pfn);
    const previous = this.#columns.previous(pfn);
    if (previous >= 0) this.#columns.setNext(previous, next);
    else this.#heads[list] = next;
    if (next >= 0) this.#columns.setPrevious(next, previous);
    else this.#tails[list] = previous;
    this.#columns.setFlags(pfn, this.#columns.flags(pfn) & ~PageFlag.BUDDY);
    this.#freePages -= 2 ** order;
  }

  /** Appends a range of whole largest blocks, above all that were appended before (spec P41). */
  appendUntouched(range: PageRange): void {
    this.#untouched.push(range);
    this.#freePages += range.last - range.first + 1;
  }

  /** First page of the free block that holds the page, or -1 when the page is not free. */
  blockOf(pfn: number): number {
    const untouched = this.#untouched.find(({ first, last }) => pfn >= first && pfn <= last);
    if (untouched !== undefined) {
      const block = pfn - (pfn % LARGEST);
      this.#enlist(block);
      return block;
    }
    for (let order = 0; order <= MAX_PAGE_ORDER; order++) {
      const first = pfn - (pfn % 2 ** order);
      if (this.isFree(first, order)) return first;
    }
    return -1;
  }

  /** Whether a free block of exactly that order starts at the page. */
  isFree(pfn: number, order: number): boolean {
    return (this.#columns.flags(pfn) & PageFlag.BUDDY) !== 0 && this.#columns.order(pfn) === order;
  }

  /** How many blocks are in the list: for `/proc/buddyinfo` and tests. */
  length(order: number, type: number): number {
    let blocks = 0;
    for (let pfn = this.#heads[order * MIGRATE_TYPES + type]; pfn >= 0; pfn = this.#columns.next(pfn)) blocks++;
    if (order < MAX_PAGE_ORDER || type !== INITIAL_TYPE) return blocks;
    return this.#untouched.reduce((sum, { first, last }) => sum + (last - first + 1) / LARGEST, blocks);
  }

  #mark(pfn: number, order: number): void {
    this.#columns.setFlags(pfn, this.#columns.flags(pfn) | PageFlag.BUDDY);
    this.#columns.setOrder(pfn, order);
    this.#freePages += 2 ** order;
  }

  /** Moves one untouched block to the end of its list. */
  #enlist(block: number): void {
    const at = this.#untouched.findIndex(({ first, last }) => block >= first && block <= last);
    const { first, last } = this.#untouched[at];
    const rest = [
      { first, last: block - 1 },
      { first: block + LARGEST, last },
    ];
    this.#untouched.splice(at, 1, ...rest.filter((part) => part.first <= part.last));
    this.#freePages -= LARGEST;
    this.pushTail(block, MAX_PAGE_ORDER, INITIAL_TYPE);
  }
}
