/** 4 KiB: the granule of every IOMMU that the traces come from. */
export const GRANULE = 4096;

/** One step of the kernel's sequence: an IOVA was allocated, or given back. In pages, before any rounding (spec I241). */
export interface IovaOperation {
  readonly kind: 'alloc' | 'free';
  /** Index in the log of the first map event, or of the unmap event. */
  readonly event: number;
  readonly line: number;
  readonly cpu: number;
  readonly timeMicros: number;
  readonly flow: number;
  readonly pfn: number;
  readonly pages: number;
  readonly device: string;
  /** By the two-step API: mapped link by link, never queued (spec I91, I240). */
  readonly twoStep: boolean;
  /** alloc: its map events. free: the unmap event. */
  readonly events: readonly number[];
  /** The DMA-API event that belongs to it, -1 for a two-step operation. */
  readonly call: number;
}

/** Pages that `bytes` at `address` touch. */
export function pagesTouched(address: number, bytes: number): number {
  return Math.ceil(((address % GRANULE) + bytes) / GRANULE);
}

export function pageOf(address: number): number {
  return Math.floor(address / GRANULE);
}
