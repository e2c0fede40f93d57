/** Attribute bits of a DMA call (spec D4). Unknown bits are passed through to the trace and otherwise ignored. */
export const DMA_ATTR_WEAK_ORDERING = 0x2;
export const DMA_ATTR_WRITE_COMBINE = 0x4;
export const DMA_ATTR_NO_KERNEL_MAPPING = 0x10;
export const DMA_ATTR_SKIP_CPU_SYNC = 0x20;
export const DMA_ATTR_FORCE_CONTIGUOUS = 0x40;
export const DMA_ATTR_ALLOC_SINGLE_PAGES = 0x80;
export const DMA_ATTR_NO_WARN = 0x100;
export const DMA_ATTR_PRIVILEGED = 0x200;
export const DMA_ATTR_MMIO = 0x400;
export const DMA_ATTR_DEBUGGING_IGNORE_CACHELINES = 0x800;
export const DMA_ATTR_REQUIRE_COHERENT = 0x1000;
export const DMA_ATTR_CC_SHARED = 0x2000;
/** Set by the core alone, on coherent allocations of devices that need shared memory. */
export const DMA_ATTR_ALLOC_CC_SHARED = 0x4000;
