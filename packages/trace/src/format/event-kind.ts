/**
 * The trace events of Linux 7.3 that concern DMA, one small integer each. `map` and `unmap` are the events of the iommu
 * subsystem (spec T34); DMA events follow spec D96, NVMe and block events spec N110, IOMMU events spec I160.
 * An event whose name is not here is UNKNOWN: its name and body are kept as text.
 */
export const EventKind = {
  UNKNOWN: 0,
  DMA_MAP_PHYS: 1,
  DMA_UNMAP_PHYS: 2,
  DMA_ALLOC: 3,
  DMA_ALLOC_PAGES: 4,
  DMA_ALLOC_SGT_ERR: 5,
  DMA_ALLOC_SGT: 6,
  DMA_FREE: 7,
  DMA_FREE_PAGES: 8,
  DMA_FREE_SGT: 9,
  DMA_MAP_SG: 10,
  DMA_MAP_SG_ERR: 11,
  DMA_UNMAP_SG: 12,
  DMA_SYNC_SINGLE_FOR_CPU: 13,
  DMA_SYNC_SINGLE_FOR_DEVICE: 14,
  DMA_SYNC_SG_FOR_CPU: 15,
  DMA_SYNC_SG_FOR_DEVICE: 16,
  SWIOTLB_BOUNCED: 17,
  MAP: 18,
  UNMAP: 19,
  ADD_DEVICE_TO_GROUP: 20,
  REMOVE_DEVICE_FROM_GROUP: 21,
  ATTACH_DEVICE_TO_DOMAIN: 22,
  IO_PAGE_FAULT: 23,
  NVME_SETUP_CMD: 24,
  NVME_SQ: 25,
  NVME_COMPLETE_RQ: 26,
  NVME_ASYNC_EVENT: 27,
  BLOCK_RQ_ISSUE: 28,
  BLOCK_RQ_INSERT: 29,
  BLOCK_RQ_MERGE: 30,
  BLOCK_RQ_COMPLETE: 31,
  BLOCK_RQ_ERROR: 32,
  BLOCK_RQ_REQUEUE: 33,
  BLOCK_BIO_BACKMERGE: 34,
  BLOCK_BIO_FRONTMERGE: 35,
  BLOCK_BIO_QUEUE: 36,
  BLOCK_GETRQ: 37,
  BLOCK_SPLIT: 38,
  BLOCK_UNPLUG: 39,
} as const;

/** A number of {@link EventKind}. */
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

/** The kernel's event names, indexed by kind: `EVENT_NAMES[EventKind.DMA_MAP_PHYS]` is `dma_map_phys`. */
export const EVENT_NAMES: readonly string[] = Object.keys(EventKind).map((name) => name.toLowerCase());
