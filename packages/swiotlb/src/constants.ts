/** log2 of the slot size (spec S1). */
export const IO_TLB_SHIFT = 11;
/** Bytes in a slot (spec S1). */
export const IO_TLB_SIZE = 1 << IO_TLB_SHIFT;
/** Slots in a segment; a buffer never crosses a segment edge (spec S1). */
export const IO_TLB_SEGSIZE = 128;
/** Slots of the pool that a kernel creates without being told a size: 64 MiB (spec S2). */
export const IO_TLB_DEFAULT_SLOTS = 32768;
/** The boot code shrinks a pool that doesn't fit down to this many slots and no further: 1 MiB (spec S2, S18). */
export const IO_TLB_MIN_SLABS = 512;

/** What `orig` reads as where a slot has no original address (spec S4: all ones, printed ffffffffffffffff). */
export const INVALID_PHYS_ADDR = -1;

/** A segment boundary mask of all ones: no boundary at all (spec S33). The nearest double to 2^64 - 1. */
export const NO_SEG_BOUNDARY = 2 ** 64;

/** Directions by their kernel numbers (spec S5). `DMA_NONE` is never valid for a bounce. */
export const DMA_BIDIRECTIONAL = 0;
export const DMA_TO_DEVICE = 1;
export const DMA_FROM_DEVICE = 2;
export const DMA_NONE = 3;

/** The attributes that bouncing looks at, by their kernel bits (spec D4). */
export const DMA_ATTR_SKIP_CPU_SYNC = 1 << 5;
export const DMA_ATTR_NO_WARN = 1 << 8;
