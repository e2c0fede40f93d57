/**
 * `struct dma_iova_state` (spec D71, I81). The kernel keeps "some part was bounced" in bit 63 of the size word; here it is
 * a field of its own, because a size of the model has 52 bits.
 */
export class DmaIovaState {
  /** IOVA plus the offset of the first byte in its granule. */
  addr = 0;
  /** Bytes reserved; 0 while nothing is. */
  size = 0;
  /** `DMA_IOVA_USE_SWIOTLB`. */
  bounced = false;

  clear(): void {
    this.addr = 0;
    this.size = 0;
    this.bounced = false;
  }
}

/** `dma_use_iova`. */
export function dmaUseIova(state: DmaIovaState): boolean {
  return state.size !== 0;
}

/** `dma_iova_size`: without the bounce mark. */
export function dmaIovaSize(state: DmaIovaState): number {
  return state.size;
}
