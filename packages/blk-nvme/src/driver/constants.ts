/** What the driver is built with (spec N50). */
export const NVME_CTRL_PAGE_SIZE = 4096;
export const NVME_CTRL_PAGE_SHIFT = 12;
export const NVME_AQ_DEPTH = 32;
/** Tags of the admin queue: the last two ids are kept for events. */
export const NVME_AQ_MQ_TAG_DEPTH = 30;
/** Command id of the one asynchronous event request. */
export const NVME_AQ_BLK_MQ_DEPTH = 31;
export const NVME_MAX_KB_SZ = 8192;
export const NVME_MAX_SEGS = 256;
export const NVME_MAX_META_SEGS = 15;
export const NVME_SMALL_POOL_SIZE = 256;
export const NVME_MAX_NR_DESCRIPTORS = 5;
export const NVME_SMALL_DESCRIPTOR_PRPS = 32;
export const NVME_SMALL_DESCRIPTOR_SGLS = 16;
export const NVME_IO_TIMEOUT_NANOS = 30e9;
export const NVME_ADMIN_TIMEOUT_NANOS = 60e9;
export const NVME_MAX_RETRIES = 5;

/** What the administrator can set: module parameters, by their kernel names in TypeScript spelling (spec N50). */
export interface NvmeParameters {
  /** Entries of an I/O queue, 2 to 4095. */
  readonly ioQueueDepth: number;
  /** Average segment from which an SGL is used; 0 for never by choice. */
  readonly sglThreshold: number;
  readonly maxHostMemSizeMb: number;
  readonly useCmbSqes: boolean;
  readonly writeQueues: number;
  readonly pollQueues: number;
  readonly maxRetries: number;
  /** Milliseconds of silence after which the controller gives its host up (KATO); 0: no keep-alive (spec N70). */
  readonly keepAliveMillis: number;
  /** Text and opcode names in error lines (spec N93). */
  readonly verboseErrors: boolean;
  /** The block layer makes and checks protection information (spec N47); without it the device does (PRACT). */
  readonly blkDevIntegrity: boolean;
  /** Linux 7.3 leaves the IOVA state of a request object's last use in place for bus-address requests (spec N181). */
  readonly staleIovaState: boolean;
}

export const DEFAULT_NVME_PARAMETERS: NvmeParameters = {
  ioQueueDepth: 1024,
  sglThreshold: 32768,
  maxHostMemSizeMb: 128,
  useCmbSqes: true,
  writeQueues: 0,
  pollQueues: 0,
  maxRetries: NVME_MAX_RETRIES,
  keepAliveMillis: 0,
  verboseErrors: false,
  blkDevIntegrity: false,
  staleIovaState: false,
};
