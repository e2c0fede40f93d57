/** What every event has. */
interface EventBase {
  /** 1-based line in the file; 0 for an event that was recorded and not read. */
  readonly line: number;
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  /** Flag characters (spec D95). */
  readonly flags: string;
  /** Microseconds. */
  readonly time: number;
}

interface DmaBase extends EventBase {
  readonly device: string;
  /** `TO_DEVICE` and so on, `0xN` for a value without name. */
  readonly dir: string;
}

interface DmaRange extends DmaBase {
  /** -1 is DMA_MAPPING_ERROR. */
  readonly dmaAddr: number;
  readonly size: number;
}

interface Attributes {
  /** DMA_ATTR_ bits (spec D4). */
  readonly attrs: number;
}

export interface DmaMapPhysEvent extends DmaRange, Attributes {
  readonly event: 'dma_map_phys';
  readonly physAddr: number;
}
export interface DmaUnmapPhysEvent extends DmaRange, Attributes {
  readonly event: 'dma_unmap_phys';
}
export interface DmaAllocEvent extends DmaRange, Attributes {
  readonly event: 'dma_alloc' | 'dma_alloc_pages' | 'dma_alloc_sgt_err';
  /** 16 digits of a hashed pointer, good for comparing only (spec T33). */
  readonly virtAddr: string;
  readonly gfp: string;
}
export interface DmaFreeEvent extends DmaRange, Attributes {
  readonly event: 'dma_free' | 'dma_free_pages';
  readonly virtAddr: string;
}
export interface DmaAllocSgtEvent extends DmaRange, Attributes {
  readonly event: 'dma_alloc_sgt';
  readonly physAddrs: readonly number[];
  readonly gfp: string;
}
export interface DmaFreeSgtEvent extends DmaRange {
  readonly event: 'dma_free_sgt';
  readonly physAddrs: readonly number[];
}
export interface DmaMapSgEvent extends DmaBase, Attributes {
  readonly event: 'dma_map_sg';
  /** Entries that the caller passed, and of those how many are listed (128 at most). */
  readonly nents: number;
  readonly tracedNents: number;
  /** Ranges that the device sees, and of those how many are listed. */
  readonly ents: number;
  readonly tracedEnts: number;
  readonly truncated: boolean;
  readonly dmaAddrs: readonly number[];
  readonly sizes: readonly number[];
  readonly physAddrs: readonly number[];
}
export interface DmaMapSgErrEvent extends DmaBase, Attributes {
  readonly event: 'dma_map_sg_err';
  readonly physAddrs: readonly number[];
  /** Negative errno. */
  readonly err: number;
}
export interface DmaUnmapSgEvent extends DmaBase, Attributes {
  readonly event: 'dma_unmap_sg';
  readonly physAddrs: readonly number[];
}
export interface DmaSyncSingleEvent extends DmaRange {
  readonly event: 'dma_sync_single_for_cpu' | 'dma_sync_single_for_device';
}
export interface DmaSyncSgEvent extends DmaBase {
  readonly event: 'dma_sync_sg_for_cpu' | 'dma_sync_sg_for_device';
  readonly dmaAddrs: readonly number[];
  readonly sizes: readonly number[];
}
export interface SwiotlbBouncedEvent extends EventBase {
  readonly event: 'swiotlb_bounced';
  readonly device: string;
  readonly dmaMask: number;
  readonly devAddr: number;
  readonly size: number;
  readonly force: boolean;
}

export interface IommuMapEvent extends EventBase {
  readonly event: 'map';
  readonly iova: number;
  /** Exclusive. */
  readonly end: number;
  readonly physAddr: number;
  readonly size: number;
}
export interface IommuUnmapEvent extends EventBase {
  readonly event: 'unmap';
  readonly iova: number;
  readonly end: number;
  readonly size: number;
  readonly unmappedSize: number;
}
export interface IommuGroupEvent extends EventBase {
  readonly event: 'add_device_to_group' | 'remove_device_from_group';
  readonly groupId: number;
  readonly device: string;
}
export interface AttachDeviceToDomainEvent extends EventBase {
  readonly event: 'attach_device_to_domain';
  readonly device: string;
}
export interface IoPageFaultEvent extends EventBase {
  readonly event: 'io_page_fault';
  readonly driver: string;
  readonly device: string;
  readonly iova: number;
  readonly faultFlags: number;
}

interface NvmeQueue extends EventBase {
  readonly device: string;
  /** Empty for an admin command. */
  readonly disk: string;
  readonly qid: number;
}
export interface NvmeSetupCmdEvent extends NvmeQueue {
  readonly event: 'nvme_setup_cmd';
  readonly cmdid: number;
  readonly nsid: number;
  readonly nvmeFlags: number;
  readonly meta: number;
  /** `nvme_cmd_read slba=0, len=255, ...` (spec N111). */
  readonly command: string;
}
export interface NvmeSqEvent extends NvmeQueue {
  readonly event: 'nvme_sq';
  readonly head: number;
  readonly tail: number;
}
export interface NvmeCompleteRqEvent extends NvmeQueue {
  readonly event: 'nvme_complete_rq';
  readonly cmdid: number;
  readonly result: number;
  readonly retries: number;
  readonly nvmeFlags: number;
  readonly status: number;
}
export interface NvmeAsyncEventEvent extends EventBase {
  readonly event: 'nvme_async_event';
  readonly device: string;
  readonly aen: number;
  readonly aenName: string;
}

interface BlockBase extends EventBase {
  /** `MAJ,MIN`. */
  readonly device: string;
  readonly rwbs: string;
  /** In units of 512 bytes; -1 when it is not set. */
  readonly sector: number;
}
interface BlockPriority {
  readonly sectors: number;
  readonly ioClass: string;
  readonly ioHint: number;
  readonly ioLevel: number;
}
export interface BlockRequestEvent extends BlockBase, BlockPriority {
  readonly event: 'block_rq_issue' | 'block_rq_insert' | 'block_rq_merge';
  readonly bytes: number;
  readonly submitter: string;
}
export interface BlockCompletionEvent extends BlockBase, BlockPriority {
  readonly event: 'block_rq_complete' | 'block_rq_error' | 'block_rq_requeue';
  /** 0 or negative. */
  readonly errno: number;
}
export interface BlockBioEvent extends BlockBase {
  readonly event: 'block_bio_backmerge' | 'block_bio_frontmerge' | 'block_bio_queue' | 'block_getrq';
  readonly sectors: number;
  readonly submitter: string;
}
export interface BlockSplitEvent extends BlockBase {
  readonly event: 'block_split';
  readonly newSector: number;
  readonly submitter: string;
}
export interface BlockUnplugEvent extends EventBase {
  readonly event: 'block_unplug';
  readonly submitter: string;
  readonly requests: number;
}

/** An event that has no format here. */
export interface UnknownEvent extends EventBase {
  readonly event: 'unknown';
  readonly name: string;
  readonly body: string;
}

/** One event as an object; `event` tells which. */
export type TraceEvent =
  | DmaMapPhysEvent
  | DmaUnmapPhysEvent
  | DmaAllocEvent
  | DmaFreeEvent
  | DmaAllocSgtEvent
  | DmaFreeSgtEvent
  | DmaMapSgEvent
  | DmaMapSgErrEvent
  | DmaUnmapSgEvent
  | DmaSyncSingleEvent
  | DmaSyncSgEvent
  | SwiotlbBouncedEvent
  | IommuMapEvent
  | IommuUnmapEvent
  | IommuGroupEvent
  | AttachDeviceToDomainEvent
  | IoPageFaultEvent
  | NvmeSetupCmdEvent
  | NvmeSqEvent
  | NvmeCompleteRqEvent
  | NvmeAsyncEventEvent
  | BlockRequestEvent
  | BlockCompletionEvent
  | BlockBioEvent
  | BlockSplitEvent
  | BlockUnplugEvent
  | UnknownEvent;
