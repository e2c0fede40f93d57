import { PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';

declare const pageBrand: unique symbol;

/**
 * A page descriptor, named by its index in the descriptor array: with one virtual array the conversions are arithmetic
 * and never fail, also for addresses that have no descriptor (spec P12).
 */
export type Page = number & { readonly [pageBrand]: true };

/**
 * Conversions between descriptors, physical addresses and kernel addresses, each counted: the price of the page-based
 * interface is the number that `dmalab study` shows (spec G1 to G14).
 */
export class PageConversions {
  /** a->p of the page-era rules. */
  physToPageCount = 0;
  /** p->a of the page-era rules. */
  pageToPhysCount = 0;
  /** Descriptor to kernel address (spec G5, G6). */
  pageToVirtCount = 0;

  physToPage(phys: number): Page {
    this.physToPageCount++;
    return Math.floor(phys / PAGE_SIZE) as Page;
  }

  pageToPhys(page: Page): PhysAddr {
    this.pageToPhysCount++;
    return (page * PAGE_SIZE) as PhysAddr;
  }

  pageToVirt(page: Page): number {
    this.pageToVirtCount++;
    return page * PAGE_SIZE;
  }

  /** Kernel address to descriptor: arithmetic on the address that a driver holds, in both eras, so nobody counts it. */
  virtToPage(pointer: number): Page {
    return Math.floor(pointer / PAGE_SIZE) as Page;
  }

  reset(): void {
    this.physToPageCount = 0;
    this.pageToPhysCount = 0;
    this.pageToVirtCount = 0;
  }
}
