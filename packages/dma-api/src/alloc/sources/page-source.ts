/** The page allocator as the DMA API needs it (spec P29, P37 to P44). */
export interface PageSource {
  /**
   * 2^order pages, aligned to their size, from the zone that the flags name or a lower one.
   *
   * @returns their physical address, or -1 where no zone has such a block
   */
  allocPages(gfp: number, order: number, node: number): number;
  freePages(phys: number, order: number): void;
}

/** A contiguous memory area (spec P53 to P55). */
export interface ContiguousArea {
  /** `count` pages aligned to 2^alignOrder; -1 if there is no such run. */
  alloc(count: number, alignOrder: number): number;
  /** False if the pages are not of this area. */
  release(phys: number, count: number): boolean;
}

/** Which contiguous areas a machine has (spec D46). */
export interface ContiguousAreas {
  readonly default: ContiguousArea | null;
  readonly perNode: readonly (ContiguousArea | null)[];
}

/** Converts pages between private and shared (spec P64). A failure leaves them unusable, so they are leaked. */
export interface SharedMemoryControl {
  setDecrypted(phys: number, size: number): boolean;
  setEncrypted(phys: number, size: number): boolean;
}
