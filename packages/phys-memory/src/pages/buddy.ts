import type { PageRange } from '../map/address-map.ts';
import { FreeLists } from './free-lists.ts';
import { CLAIM_FROM, isOrdinary, MigrateType } from './migrate-type.ts';
import { MAX_PAGE_ORDER, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES } from './order.ts';
import { type PageColumns, PageFlag } from './page-columns.ts';
import type { ZoneExtent } from './zone-layout.ts';

const LARGEST = 2 ** MAX_PAGE_ORDER;

/** The buddy allocator of one zone (spec P37 to P41). Answers page frame numbers, or -1. */
export class Buddy {
  readonly zone: ZoneExtent;
  readonly lists: FreeLists;
  readonly #columns: PageColumns;
  #managed = 0;

  constructor(zone: ZoneExtent, columns: PageColumns) {
    this.zone = zone;
    this.lists = new FreeLists(columns);
    this.#columns = columns;
  }

  /** Pages ever given to this allocator (spec P28). */
  get managed(): number {
    return this.#managed;
  }

  /** Boot release: the largest aligned blocks, ascending, appended at the tails (spec P41). */
  release({ first, last }: PageRange): void {
    this.#managed += last - first + 1;
    for (let pfn = first; pfn <= last; ) {
      const order = largestOrderAt(pfn, last);
      if (order === MAX_PAGE_ORDER) {
        const blocks = Math.floor((last + 1 - pfn) / LARGEST);
        this.lists.appendUntouched({ first: pfn, last: pfn + blocks * LARGEST - 1 });
        pfn += blocks * LARGEST;
      } else {
        this.lists.pushTail(pfn, order, this.#columns.blockType(pfn));
        pfn += 2 ** order;
      }
    }
  }

  /** Takes over a block that was reserved since boot. */
  adopt(pfn: number, order: number): void {
    this.#managed += 2 ** order;
    this.free(pfn, order);
  }

  /** A block from the lists of the type itself (spec P38). */
  allocate(order: number, type: number): number {
    for (let j = order; j <= MAX_PAGE_ORDER; j++) {
      const pfn = this.lists.first(j, type);
      if (pfn >= 0) return this.#take(pfn, j, order, type);
    }
    return -1;
  }

  /** A block where the type itself has nothing: CMA for movable pages, then a claim, then theft (spec P39). */
  allocateFromOthers(order: number, type: number): number {
    if (type === MigrateType.MOVABLE) {
      const pfn = this.allocate(order, MigrateType.CMA);
      if (pfn >= 0) return pfn;
    }
    const claimed = this.#claim(order, type);
    return claimed >= 0 ? claimed : this.#steal(order, type);
  }

  /** Gives a block back, merging upwards (spec P40). */
  free(pfn: number, order: number): void {
    const type = this.#columns.blockType(pfn);
    while (order < MAX_PAGE_ORDER) {
      const buddy = buddyOf(pfn, order);
      if (!this.#mergeable(buddy, order, type)) break;
      this.lists.remove(buddy, order, this.#columns.blockType(buddy));
      if (order >= PAGEBLOCK_ORDER) this.#columns.setBlockType(buddy, type);
      pfn = Math.min(pfn, buddy);
      order++;
    }
    if (this.#willMergeSoon(pfn, order)) this.lists.pushTail(pfn, order, type);
    else this.lists.pushHead(pfn, order, type);
  }

  /** Takes exactly this page out of the free block that holds it. False when it is not free. */
  takePage(pfn: number): boolean {
    const block = this.lists.blockOf(pfn);
    if (block < 0) return false;
    let order = this.#columns.order(block);
    const type = this.#columns.blockType(block);
    this.lists.remove(block, order, type);
    for (let first = block; order > 0; ) {
      order--;
      const middle = first + 2 ** order;
      this.lists.pushHead(pfn < middle ? middle : first, order, type);
      if (pfn >= middle) first = middle;
    }
    return true;
  }

  /** Makes a 2 MiB block with smaller free blocks another type; they move to the lists of that type. */
  #changeBlockType(block: number, type: number): void {
    const old = this.#columns.blockType(block);
    for (let pfn = block; pfn < block + PAGEBLOCK_PAGES; ) {
      const order = this.#freeOrderAt(pfn);
      if (order >= 0) {
        this.lists.remove(pfn, order, old);
        this.lists.pushHead(pfn, order, type);
      }
      pfn += order >= 0 ? 2 ** order : 1;
    }
    this.#columns.setBlockType(block, type);
  }

  /** Splits the free block down to `order`, upper halves back to the heads of their lists; returns the lowest part. */
  #take(pfn: number, from: number, order: number, type: number): number {
    this.lists.remove(pfn, from, type);
    for (let j = from - 1; j >= order; j--) this.lists.pushHead(pfn + 2 ** j, j, type);
    return pfn;
  }

  /** Looks for the largest block of another type whose 2 MiB blocks may change to this one. */
  #claim(order: number, type: number): number {
    for (let j = MAX_PAGE_ORDER; j >= order; j--) {
      for (const other of CLAIM_FROM[type]) {
        const pfn = this.lists.first(j, other);
        if (pfn < 0 || !this.#mayChangeType(pfn, j, type)) continue;
        this.#changeTypeOf(pfn, j, other, type);
        return this.allocate(order, type);
      }
    }
    return -1;
  }

  #changeTypeOf(pfn: number, order: number, other: number, type: number): void {
    if (order < PAGEBLOCK_ORDER) {
      this.#changeBlockType(pfn - (pfn % PAGEBLOCK_PAGES), type);
      return;
    }
    this.lists.remove(pfn, order, other);
    for (let block = pfn; block < pfn + 2 ** order; block += PAGEBLOCK_PAGES) this.#columns.setBlockType(block, type);
    this.lists.pushHead(pfn, order, type);
  }

  #mayChangeType(pfn: number, order: number, type: number): boolean {
    if (order >= PAGEBLOCK_ORDER) return true;
    return this.#suitablePages(pfn - (pfn % PAGEBLOCK_PAGES), type) >= PAGEBLOCK_PAGES / 2;
  }

  /** Pages of the 2 MiB block that are free, or allocated in the way that the type stands for. */
  #suitablePages(block: number, type: number): number {
    const wanted = type === MigrateType.MOVABLE ? PageFlag.MOVABLE : 0;
    let suitable = 0;
    for (let pfn = block; pfn < block + PAGEBLOCK_PAGES; ) {
      const freeOrder = this.#freeOrderAt(pfn);
      const flags = this.#columns.flags(pfn);
      const isHead = freeOrder >= 0 || this.#columns.count(pfn) > 0;
      const pages = isHead ? 2 ** this.#columns.order(pfn) : 1;
      const fits = (flags & PageFlag.RESERVED) === 0 && (flags & PageFlag.MOVABLE) === wanted;
      if (freeOrder >= 0 || (isHead && fits)) suitable += pages;
      pfn += pages;
    }
    return suitable;
  }

  /** Takes from the smallest block that serves; what is left of it keeps its type. */
  #steal(order: number, type: number): number {
    for (let j = order; j <= MAX_PAGE_ORDER; j++) {
      for (const other of CLAIM_FROM[type]) {
        const pfn = this.lists.first(j, other);
        if (pfn >= 0) return this.#take(pfn, j, order, other);
      }
    }
    return -1;
  }

  #mergeable(buddy: number, order: number, type: number): boolean {
    if (!this.#isInZone(buddy) || !this.lists.isFree(buddy, order)) return false;
    if (order < PAGEBLOCK_ORDER) return true;
    const other = this.#columns.blockType(buddy);
    return other === type || (isOrdinary(other) && isOrdinary(type));
  }

  /** The block beside the resulting parent block is free too: this block will probably merge soon (spec P40). */
  #willMergeSoon(pfn: number, order: number): boolean {
    if (order >= PAGEBLOCK_ORDER) return false;
    const parent = pfn - (pfn % 2 ** (order + 1));
    const uncle = buddyOf(parent, order + 1);
    return this.#isInZone(uncle) && this.lists.isFree(uncle, order + 1);
  }

  #isInZone(pfn: number): boolean {
    return pfn >= this.zone.startPfn && pfn < this.zone.startPfn + this.zone.spanned;
  }

  #freeOrderAt(pfn: number): number {
    return (this.#columns.flags(pfn) & PageFlag.BUDDY) === 0 ? -1 : this.#columns.order(pfn);
  }
}

/** pfn XOR 2^order, for numbers above 2^31 as well. */
function buddyOf(pfn: number, order: number): number {
  const pages = 2 ** order;
  return Math.floor(pfn / pages) % 2 === 0 ? pfn + pages : pfn - pages;
}

function largestOrderAt(pfn: number, last: number): number {
  let order = 0;
  while (order < MAX_PAGE_ORDER && pfn % 2 ** (order + 1) === 0 && pfn + 2 ** (order + 1) - 1 <= last) order++;
  return order;
}
