import { PAGE_SIZE } from '../address.ts';
import type { PhysMemory } from '../memory/phys-memory.ts';
import { Buddy } from './buddy.ts';
import { GFP_COMP, GFP_MOVABLE, GFP_ZERO, highestZone } from './gfp.ts';
import { MigrateType } from './migrate-type.ts';
import { nodeFallbackOrders, uniformDistances } from './node-order.ts';
import { MAX_PAGE_ORDER } from './order.ts';
import { PageFlag } from './page-columns.ts';
import type { PageDescriptors } from './page-descriptors.ts';
import { PageError } from './page-error.ts';
import { ZONE_NAMES } from './zone-layout.ts';

/** Told of every block that changes hands: how an initialised-ness shadow follows the pages (spec P84). */
export interface PageObserver {
  allocated(pfn: number, order: number, isZeroed: boolean): void;
  freed(pfn: number, order: number): void;
}

export interface PageAllocatorOptions {
  /** `distances[from][to]` between nodes. */
  readonly distances?: readonly (readonly number[])[];
}

/** A line of `/proc/zoneinfo` (spec P28). */
export interface ZoneFigures {
  readonly name: string;
  readonly node: number;
  readonly startPfn: number;
  readonly spanned: number;
  readonly present: number;
  readonly managed: number;
  readonly free: number;
}

/**
 * The page allocator (spec P26 to P44): nodes, zones, buddies, references. Without watermarks, reserves and per-CPU
 * caches, so a request without a zone flag reaches DMA32 and DMA earlier than on a real machine (spec P31).
 */
export class PageAllocator {
  /** Set by whoever wants to follow the pages. */
  observer: PageObserver | null = null;
  readonly pages: PageDescriptors;
  readonly memory: PhysMemory;
  readonly #buddies: readonly Buddy[];
  /** By node, then by highest allowed zone: where to look, best first. */
  readonly #fallback: readonly (readonly (readonly Buddy[])[])[];

  constructor(pages: PageDescriptors, memory: PhysMemory, options: PageAllocatorOptions = {}) {
    this.pages = pages;
    this.memory = memory;
    this.#buddies = pages.zones.map((zone) => new Buddy(zone, pages.columns));
    for (const buddy of this.#buddies) {
      for (const range of buddy.zone.ranges) for (const part of pages.releasedOf(range)) buddy.release(part);
    }
    const nodes = Math.max(0, ...pages.zones.map(({ node }) => node)) + 1;
    const orders = nodeFallbackOrders(options.distances ?? uniformDistances(nodes));
    this.#fallback = orders.map((order) => ZONE_NAMES.map((_, highest) => this.#zonesBelow(order, highest)));
  }

  /**
   * A block of 2^order pages whose first page has one reference (spec P38, P43). Bytes are left as they are without
   * `GFP_ZERO`.
   * @param node preferred; others are taken when it has nothing
   * @param owner any number, kept with the page
   * @returns its first page frame, or -1
   */
  allocPages(gfp: number, order: number, node = 0, owner = 0): number {
    if (order > MAX_PAGE_ORDER) return -1;
    const isMovable = (gfp & GFP_MOVABLE) !== 0;
    const zones = this.#fallback[node]?.[highestZone(gfp, this.pages.limits)];
    if (zones === undefined)
      throw new PageError('ERR_NODE', -1, `node ${node} is not 0 to ${this.#fallback.length - 1}`);
    const pfn = findBlock(zones, node, order, isMovable ? MigrateType.MOVABLE : MigrateType.UNMOVABLE);
    if (pfn < 0) return -1;
    this.#handOut(pfn, order, isMovable ? PageFlag.MOVABLE : 0, owner);
    if ((gfp & GFP_COMP) !== 0 && order > 0) this.#markCompound(pfn, order);
    const isZeroed = (gfp & GFP_ZERO) !== 0;
    if (isZeroed) this.memory.fill(pfn * PAGE_SIZE, 2 ** order * PAGE_SIZE);
    this.observer?.allocated(pfn, order, isZeroed);
    return pfn;
  }

  /** Drops the caller's reference to a block. @throws {PageError} when it is not an allocated block of that order */
  freePages(pfn: number, order: number): void {
    this.#requireHeld(pfn);
    const actual = this.pages.columns.order(pfn);
    if (actual !== order)
      throw new PageError('ERR_PAGE_ORDER', pfn, `was allocated with order ${actual}, not ${order}`);
    this.putPage(pfn);
  }

  /** Takes another reference. @throws {PageError} when nobody holds the page */
  getPage(pfn: number): void {
    this.#requireHeld(pfn);
    this.pages.columns.setCount(pfn, this.pages.columns.count(pfn) + 1);
  }

  /** Drops a reference; the last one frees the whole block (spec P43). @throws {PageError} when nobody holds the page */
  putPage(pfn: number): void {
    this.#requireHeld(pfn);
    const columns = this.pages.columns;
    const count = columns.count(pfn) - 1;
    columns.setCount(pfn, count);
    if (count > 0) return;
    const order = columns.order(pfn);
    this.observer?.freed(pfn, order);
    this.#clear(pfn, order);
    this.#buddyOf(pfn).free(pfn, order);
  }

  /** Gives pages that were reserved since boot to the allocator: an initrd after use, say. */
  releaseReserved(first: number, last: number): void {
    for (let pfn = first; pfn <= last; pfn++) this.#adopt(pfn, 0);
  }

  /** Makes a reserved 2 MiB block one of CMA: movable pages may use it until it is claimed (spec P53). */
  adoptCmaBlock(pfn: number, order: number): void {
    this.pages.columns.setBlockType(pfn, MigrateType.CMA);
    this.#adopt(pfn, order);
  }

  /** Takes exactly this page if it is free, with one reference. */
  takeFreePage(pfn: number): boolean {
    if (!this.pages.sections.pfnValid(pfn) || !this.pages.isRam(pfn)) return false;
    if (!this.#buddyOf(pfn).takePage(pfn)) return false;
    this.#handOut(pfn, 0, 0, 0);
    return true;
  }

  /** First page of the allocated block that holds the page, or -1. */
  headOf(pfn: number): number {
    const columns = this.pages.columns;
    for (let order = 0; order <= MAX_PAGE_ORDER; order++) {
      const first = pfn - (pfn % 2 ** order);
      const isHead = columns.count(first) > 0 && columns.order(first) >= order;
      if (isHead && (columns.flags(first) & (PageFlag.RESERVED | PageFlag.BUDDY)) === 0) return first;
    }
    return -1;
  }

  /** What became of a page (spec P8). `absent`: it has no descriptor. */
  stateOf(pfn: number): 'absent' | 'reserved' | 'free' | 'allocated' {
    if (!this.pages.sections.pfnValid(pfn)) return 'absent';
    if ((this.pages.columns.flags(pfn) & PageFlag.RESERVED) !== 0) return 'reserved';
    return this.#buddyOf(pfn).lists.blockOf(pfn) >= 0 ? 'free' : 'allocated';
  }

  zoneFigures(): ZoneFigures[] {
    return this.#buddies.map(({ zone, managed, lists }) => ({
      name: ZONE_NAMES[zone.type],
      node: zone.node,
      startPfn: zone.startPfn,
      spanned: zone.spanned,
      present: zone.present,
      managed,
      free: lists.freePages,
    }));
  }

  /** Free blocks of each order in each zone, all migrate types together: `/proc/buddyinfo`. */
  buddyInfo(): number[][] {
    const types: readonly number[] = Object.values(MigrateType);
    return this.#buddies.map(({ lists }) =>
      Array.from({ length: MAX_PAGE_ORDER + 1 }, (_, order) =>
        types.reduce((sum, type) => sum + lists.length(order, type), 0),
      ),
    );
  }

  #zonesBelow(nodeOrder: readonly number[], highest: number): Buddy[] {
    return nodeOrder.flatMap((node) =>
      this.#buddies.filter(({ zone }) => zone.node === node && zone.type <= highest).reverse(),
    );
  }

  #handOut(pfn: number, order: number, flags: number, owner: number): void {
    const columns = this.pages.columns;
    columns.setFlags(pfn, flags);
    columns.setOrder(pfn, order);
    columns.setCount(pfn, 1);
    columns.setOwner(pfn, owner);
  }

  #markCompound(pfn: number, order: number): void {
    const columns = this.pages.columns;
    columns.setFlags(pfn, columns.flags(pfn) | PageFlag.HEAD);
    for (let tail = pfn + 1; tail < pfn + 2 ** order; tail++) columns.setFlags(tail, PageFlag.TAIL);
  }

  #clear(pfn: number, order: number): void {
    const columns = this.pages.columns;
    const last = (columns.flags(pfn) & PageFlag.HEAD) === 0 ? pfn : pfn + 2 ** order - 1;
    for (let page = pfn; page <= last; page++) columns.setFlags(page, 0);
    columns.setOwner(pfn, 0);
  }

  #adopt(pfn: number, order: number): void {
    if (!this.pages.isReserved(pfn) || !this.pages.isRam(pfn)) {
      throw new PageError('ERR_PAGE_NOT_ALLOCATED', pfn, 'is not RAM reserved at boot');
    }
    for (let page = pfn; page < pfn + 2 ** order; page++) {
      this.pages.columns.setFlags(page, 0);
      this.pages.columns.setCount(page, 0);
    }
    this.#buddyOf(pfn).adopt(pfn, order);
  }

  #requireHeld(pfn: number): void {
    this.pages.requireDescriptor(pfn);
    const flags = this.pages.columns.flags(pfn);
    const isHeld = this.pages.columns.count(pfn) > 0 && (flags & PageFlag.RESERVED) === 0;
    if (!isHeld) throw new PageError('ERR_PAGE_NOT_ALLOCATED', pfn, 'is not the first page of an allocated block');
  }

  #buddyOf(pfn: number): Buddy {
    return this.#buddies[this.pages.zones.indexOf(this.pages.zoneOf(pfn))];
  }
}

/** Lower zones of the node before mixing migrate types, mixing before another node (spec P39). */
function findBlock(zones: readonly Buddy[], node: number, order: number, type: number): number {
  for (const buddy of zones) {
    const pfn = buddy.zone.node === node ? buddy.allocate(order, type) : -1;
    if (pfn >= 0) return pfn;
  }
  for (const buddy of zones) {
    const own = buddy.allocate(order, type);
    const pfn = own >= 0 ? own : buddy.allocateFromOthers(order, type);
    if (pfn >= 0) return pfn;
  }
  return -1;
}
