/**
 * What tells one radix-tree format from another. Entries are eight bytes; level 1 holds the smallest pages, and each level
 * above covers as much as a whole table below it. An entry with none of `presentMask` set is empty. Entries come as two
 * u32 halves, signed or not; methods give halves modulo 2^32 likewise.
 */
export interface PageTableFormat {
  readonly name: string;
  /** Level of the root table, at first. */
  readonly levels: number;
  /** Level that the root may grow to as addresses ask for it (spec H34); equals `levels` where it never grows. */
  readonly mostLevels: number;
  /** log2 of the smallest page's bytes, which is also what every table but the root has: 12, 14 or 16 (spec H63). */
  readonly granuleShift: number;
  /** log2 of the root's entries: more than other tables have where roots are concatenated or widened (spec H65, H96). */
  readonly rootIndexBits: number;
  /** Sum of the leaf sizes, each a power of two: a level's span, or several equal entries of it (spec I152). */
  readonly pageSizes: number;
  /** Last address that the tables can translate (spec I152). */
  readonly apertureEnd: number;
  /** Bits of the low half, any of which marks an entry as present. */
  readonly presentMask: number;
  /**
   * A smallest page's entry is its address in place, and flags in the low half: what the short way of mapping one page
   * can write.
   */
  readonly plainLeaves: boolean;
  /**
   * Bit at which the entry of a 4 KiB page holds its page number, where leaves aren't plain but all else about such an
   * entry is settled by its protection: the short way can write these too.
   */
  readonly pagePfnShift?: number;
  /** Level of the table that a present entry of a table of `level` points at; 0 for a page. */
  nextLevel(low: number, level: number): number;
  /** Bytes of the page that a leaf of that level maps: its level's span, or more where several entries make one page. */
  leafBytes(low: number, high: number, level: number): number;
  /** Do the address bits below a large page's size hold zeros, as they must (spec H18, H22)? */
  isAligned(low: number, sizeBytes: number): boolean;
  /** Physical address of the table or page of that size (a power of two) that an entry points at. */
  address(low: number, high: number, sizeBytes: number): number;
  /**
   * `IOMMU_READ` and `IOMMU_WRITE` that a present entry of a table of `level` grants; a page's are those of all entries on
   * its way.
   */
  rights(low: number, high: number, level: number): number;
  /** Entry of a table of `level` that points at the table below it. */
  tableLow(phys: number, level: number): number;
  tableHigh(phys: number, level: number): number;
  /**
   * One entry of a page, for a combination of `IOMMU_*` protections (spec I44).
   * @param phys where the entry's own span begins, which is inside the page when several entries make it
   * @param sizeBytes of the page, which begins at `phys` rounded down to it
   */
  leafLow(phys: number, sizeBytes: number, prot: number, level: number): number;
  leafHigh(phys: number, sizeBytes: number, prot: number, level: number): number;
}

/** log2 of the bytes that one entry of that level covers: 12, 21, 30 ... in 4 KiB tables. */
export function spanShift({ granuleShift }: PageTableFormat, level: number): number {
  return granuleShift + (granuleShift - 3) * (level - 1);
}
