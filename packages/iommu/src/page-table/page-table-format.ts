/**
 * What tells one radix-tree format from another. Tables are 4 KiB of 512 eight-byte entries; level 1 holds 4 KiB pages,
 * and each level above covers 512 times as much. An entry with none of `presentMask` set is empty.
 */
export interface PageTableFormat {
  readonly name: string;
  /** Level of the root table. */
  readonly levels: number;
  /** Sum of the leaf sizes, each a power of two and the span of a level (spec I152). */
  readonly pageSizes: number;
  /** Last address that the tables can translate (spec I152). */
  readonly apertureEnd: number;
  /** Bits of the low half, any of which marks an entry as present. */
  readonly presentMask: number;
  /** Low half of a pointer to a table, address aside. */
  readonly tableFlags: number;
  /** Of a present entry above level 1: is it a page? */
  isLargeLeaf(low: number): boolean;
  /** Do the address bits below a large page's size hold zeros, as they must (spec H18, H22)? */
  isAligned(low: number, sizeBytes: number): boolean;
  /** Physical address of the table or page of that size (a power of two, 1 GiB at most) that an entry points at. */
  address(low: number, high: number, sizeBytes: number): number;
  /** `IOMMU_READ` and `IOMMU_WRITE` that a present entry grants; a page's are those of all entries on its way. */
  rights(low: number): number;
  /** Low half of a leaf, address aside, for a combination of `IOMMU_*` protections (spec I44). */
  leafFlags(prot: number, level: number): number;
}
