import { PAGE_SIZE } from '@dmalab/phys-memory';

/**
 * Flags of an HMM PFN word (spec D99). The word has 64 bits, which no number holds: here the upper eleven stand in a field
 * of their own, bit 53 of the word being bit 0.
 */
export const HMM_PFN_VALID = 1 << 10;
export const HMM_PFN_WRITE = 1 << 9;
export const HMM_PFN_ERROR = 1 << 8;
export const HMM_PFN_DMA_MAPPED = 1 << 7;
export const HMM_PFN_P2PDMA = 1 << 6;
export const HMM_PFN_P2PDMA_BUS = 1 << 5;
const ORDER_MASK = 0x1f;

/** What the fault code must leave alone when it writes the word anew (spec D99). */
export const HMM_PFN_STICKY: number = HMM_PFN_DMA_MAPPED | HMM_PFN_P2PDMA | HMM_PFN_P2PDMA_BUS;

/** The words of one map object: frame numbers and flags in two columns. */
export class HmmPfnList {
  readonly pfns: Float64Array;
  readonly flags: Int32Array;

  constructor(entries: number) {
    this.pfns = new Float64Array(entries);
    this.flags = new Int32Array(entries);
  }

  /** What a fault writes: sticky flags survive. `order` is that of the page. */
  fault(index: number, pfn: number, flags: number, order = 0): void {
    this.pfns[index] = pfn;
    this.flags[index] = (this.flags[index] & HMM_PFN_STICKY) | flags | (order & ORDER_MASK);
  }

  has(index: number, flags: number): boolean {
    return (this.flags[index] & flags) === flags;
  }

  set(index: number, flags: number): void {
    this.flags[index] |= flags;
  }

  clear(index: number, flags: number): void {
    this.flags[index] &= ~flags;
  }

  phys(index: number): number {
    return this.pfns[index] * PAGE_SIZE;
  }
}
