import { PAGE_SIZE } from '../address.ts';
import { AddressMapError } from '../map/address-map-error.ts';
import { GFP_KERNEL, GFP_MOVABLE } from './gfp.ts';
import { PAGEBLOCK_ORDER, PAGEBLOCK_PAGES } from './order.ts';
import type { PageAllocator } from './page-allocator.ts';
import { PageFlag } from './page-columns.ts';

/** Largest alignment of an allocation as an order: 1 MiB (spec P54). */
export const CMA_ALIGNMENT = 8;

/**
 * Told that a movable block now lives elsewhere, bytes copied. False refuses the move.
 * Without one, allocated pages are taken as unmovable.
 */
export type MovePages = (from: number, to: number, order: number) => boolean;

/** One area of the contiguous memory allocator (spec P53, P54). */
export class CmaArea {
  readonly name: string;
  readonly firstPfn: number;
  readonly pages: number;
  /** What the kernel would log. */
  readonly warnings: string[] = [];
  readonly #allocator: PageAllocator;
  readonly #movePages: MovePages | null;
  readonly #taken: Uint8Array;

  /**
   * @param start @param lengthBytes multiples of 2 MiB, reserved at boot, inside one zone
   * @throws {AddressMapError} when they are not multiples of 2 MiB
   */
  constructor(
    allocator: PageAllocator,
    name: string,
    start: number,
    lengthBytes: number,
    movePages: MovePages | null = null,
  ) {
    const blockBytes = PAGEBLOCK_PAGES * PAGE_SIZE;
    if (start % blockBytes !== 0 || lengthBytes % blockBytes !== 0 || lengthBytes <= 0) {
      const problem = 'starts and ends on multiples of 2 MiB';
      throw new AddressMapError('ERR_RANGE_UNALIGNED', start, start + lengthBytes - 1, name, problem);
    }
    this.name = name;
    this.firstPfn = start / PAGE_SIZE;
    this.pages = lengthBytes / PAGE_SIZE;
    this.#allocator = allocator;
    this.#movePages = movePages;
    this.#taken = new Uint8Array(this.pages);
    for (let pfn = this.firstPfn; pfn < this.firstPfn + this.pages; pfn += PAGEBLOCK_PAGES) {
      allocator.adoptCmaBlock(pfn, PAGEBLOCK_ORDER);
    }
  }

  /**
   * The first run of `count` free pages whose frame number is a multiple of 2^alignOrder (8 at most), each with one
   * reference; movable pages in it are moved out. Returns its physical address, or -1.
   */
  alloc(count: number, alignOrder: number): number {
    const step = 2 ** Math.min(alignOrder, CMA_ALIGNMENT);
    const end = this.firstPfn + this.pages;
    for (let pfn = Math.ceil(this.firstPfn / step) * step; pfn + count <= end; pfn += step) {
      if (!this.#isUntaken(pfn, count) || !allocContigRange(this.#allocator, pfn, count, this.#movePages)) continue;
      this.#taken.fill(1, pfn - this.firstPfn, pfn - this.firstPfn + count);
      return pfn * PAGE_SIZE;
    }
    return -1;
  }

  /**
   * Gives back exactly what {@link alloc} returned. False when the range is not in this area: it came from elsewhere.
   * Pages that somebody else still holds stay allocated, with a warning.
   */
  release(phys: number, count: number): boolean {
    const pfn = phys / PAGE_SIZE;
    if (pfn < this.firstPfn || pfn + count > this.firstPfn + this.pages) return false;
    this.#taken.fill(0, pfn - this.firstPfn, pfn - this.firstPfn + count);
    const inUse = freeContigRange(this.#allocator, pfn, count);
    if (inUse > 0) this.warnings.push(`${inUse} pages are still in use!`);
    return true;
  }

  #isUntaken(pfn: number, count: number): boolean {
    const next = this.#taken.indexOf(1, pfn - this.firstPfn);
    return next === -1 || this.firstPfn + next >= pfn + count;
  }
}

/**
 * Takes exactly these pages out of the page allocator, one reference each, moving movable pages elsewhere. All or
 * nothing: false leaves everything as it was, but for pages that moved already.
 */
export function allocContigRange(
  allocator: PageAllocator,
  first: number,
  count: number,
  movePages: MovePages | null = null,
): boolean {
  const pages = Array.from({ length: count }, (_, i) => first + i);
  const inUse = pages.filter((pfn) => !allocator.takeFreePage(pfn)); // all free ones first: nothing may move into them
  const stuck = inUse.findIndex((pfn) => !freeAndTake(allocator, pfn, movePages));
  if (stuck < 0) return true;
  const missing = new Set(inUse.slice(stuck));
  for (const pfn of pages) if (!missing.has(pfn)) allocator.putPage(pfn);
  return false;
}

/** The page was in use: perhaps it left with a larger block since, perhaps it can be moved. */
function freeAndTake(allocator: PageAllocator, pfn: number, movePages: MovePages | null): boolean {
  return allocator.takeFreePage(pfn) || (moveOut(allocator, pfn, movePages) && allocator.takeFreePage(pfn));
}

/** Drops one reference of each page; returns how many pages somebody else still holds (spec P54). */
export function freeContigRange(allocator: PageAllocator, first: number, count: number): number {
  let inUse = 0;
  for (let pfn = first; pfn < first + count; pfn++) {
    if (allocator.pages.count(pfn) > 1) inUse++;
    allocator.putPage(pfn);
  }
  return inUse;
}

/** Moves the allocated block that holds the page somewhere else and frees it. */
function moveOut(allocator: PageAllocator, pfn: number, movePages: MovePages | null): boolean {
  const columns = allocator.pages.columns;
  const head = movePages === null || allocator.stateOf(pfn) !== 'allocated' ? -1 : allocator.headOf(pfn);
  if (movePages === null || head < 0 || (columns.flags(head) & PageFlag.MOVABLE) === 0) return false;
  const order = columns.order(head);
  const target = allocator.allocPages(GFP_KERNEL | GFP_MOVABLE, order, 0, columns.owner(head));
  if (target < 0) return false;
  allocator.memory.copy(target * PAGE_SIZE, head * PAGE_SIZE, 2 ** order * PAGE_SIZE);
  const isMoved = movePages(head, target, order);
  allocator.putPage(isMoved ? head : target);
  return isMoved;
}
