/** Who will read or write a mapped buffer; the values of the kernel's `enum dma_data_direction`. */
export const Direction = { BIDIRECTIONAL: 0, TO_DEVICE: 1, FROM_DEVICE: 2, NONE: 3 } as const;
