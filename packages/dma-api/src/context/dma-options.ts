/** What the modelled kernel was built with (spec, Notation). The defaults are a distribution's x86-64 kernel. */
export interface DmaOptions {
  /** Sync calls can be skipped; without it they compile to nothing (spec D54, D59). */
  readonly dmaNeedSync: boolean;
  readonly dmaApiDebug: boolean;
  /** The arch has cache maintenance hooks, so that a device's coherent flag counts (spec D5). */
  readonly cacheMaintenance: boolean;
  readonly dmaOpsBypass: boolean;
  /** kmalloc buffers smaller than a cache line exist, so small ones are bounced (spec D37). */
  readonly bounceUnalignedKmalloc: boolean;
  readonly zoneDma: boolean;
  readonly zoneDma32: boolean;
  /** Last address of ZONE_DMA (spec D8). */
  readonly zoneDmaLimit: number;
  readonly numaCma: boolean;
  readonly declareCoherent: boolean;
  readonly directRemap: boolean;
  readonly setUncached: boolean;
  /** A non-coherent device's coherent memory may be mapped to user space (spec D10, `dma_can_mmap`). */
  readonly nonCoherentMmap: boolean;
  /** The machine is an SME host: MMIO is treated as shared (spec D17 step 1). */
  readonly hostMemoryEncryption: boolean;
  /** Alignment that kmalloc gives DMA buffers where caches matter: arm64 128, riscv 64 (spec D37). */
  readonly minAlign: number;
  /** Cache line that a device's write can share with a CPU: 1 where caches don't matter, as on x86 (spec D37, D94). */
  readonly dmaCacheAlignment: number;
  readonly l1CacheBytes: number;
  /** Fresh pool blocks are zeroed whatever the flags say (spec D68). */
  readonly initOnAlloc: boolean;
  /** Pools fill and check free blocks (spec D69). */
  readonly slubDebug: boolean;
  /** Highest buddy order, 10 in every traced kernel (spec P3). */
  readonly maxPageOrder: number;
}

export const DEFAULT_DMA_OPTIONS: DmaOptions = {
  dmaNeedSync: true,
  dmaApiDebug: false,
  cacheMaintenance: false,
  dmaOpsBypass: false,
  bounceUnalignedKmalloc: false,
  zoneDma: true,
  zoneDma32: true,
  zoneDmaLimit: 2 ** 24 - 1,
  numaCma: false,
  declareCoherent: true,
  directRemap: false,
  setUncached: false,
  nonCoherentMmap: false,
  hostMemoryEncryption: false,
  minAlign: 8,
  dmaCacheAlignment: 1, // x86
  l1CacheBytes: 64,
  initOnAlloc: false,
  slubDebug: false,
  maxPageOrder: 10,
};
