/**
 * Who answers for a range of MMIO. Accesses are 1, 2 or 4 bytes, naturally aligned, and answer at once; an access of 8
 * bytes comes as two of 4, low half first.
 */
export interface MmioHandler {
  /** @param offset from the start of the claimed range */
  readMmio(offset: number, sizeBytes: number): number;
  writeMmio(offset: number, sizeBytes: number, value: number): void;
}
