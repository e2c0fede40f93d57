import { DmaIovaState } from '@dmalab/dma-api';
import { SQE_BYTES } from '../../spec/sqe.ts';
import { NVME_MAX_NR_DESCRIPTORS, NVME_MAX_SEGS } from '../constants.ts';

/** How the metadata of a request is mapped (spec N86). */
export class MetadataIod {
  mapped = false;
  totalBytes = 0;
  mapType = 0;
  /** Device address of the one vector, where no SGL is used. */
  address = 0;
  /** The block that holds the SGL; -1 without one. */
  blockPhys = -1;
  blockDma = 0;
  entries = 0;
  readonly iovaState = new DmaIovaState();
}

/** Flags of {@link NvmeIod.flags}. */
export const IOD_ABORTED = 1 << 0;
/** The descriptors come from the small pool. */
export const IOD_SMALL_DESCRIPTOR = 1 << 1;
/** One segment, mapped without the iterator: unmapped by PRP1 or the descriptor in the command (spec N81). */
export const IOD_SINGLE_SEGMENT = 1 << 2;
/** The command carries SGLs. */
export const IOD_SGL = 1 << 3;
/** Data was mapped. */
export const IOD_MAPPED = 1 << 4;

/** Flags of the completion event (spec N110). */
export const NVME_REQ_CANCELLED = 1;
export const NVME_REQ_USERCMD = 2;

/**
 * The driver's part of a request object (spec N2). It keeps its contents between uses: the generation counter must, and
 * the IOVA state does in Linux 7.3, which is the defect of spec N181.
 */
export class NvmeIod {
  /** The 16 words as they go into the queue. */
  readonly command = new Uint32Array(SQE_BYTES / 4);
  /** Counts accepted completions; its low 4 bits are in the command id (spec N52). */
  generation = 0;
  /** Command id of the current use. */
  cid = 0;
  flags = 0;
  /** NVME_REQ_ flags. */
  requestFlags = 0;
  /** NVMe status of the completion, and its result. */
  status = 0;
  result = 0;
  readonly iovaState = new DmaIovaState();
  /** Bytes mapped. */
  totalBytes = 0;
  /** How the memory is reached (spec T30). */
  mapType = 0;
  /** DMA vectors to unmap one by one (spec N84). Made when first needed: most requests map one range. */
  #vecAddr: Float64Array | null = null;
  #vecBytes: Float64Array | null = null;
  vecCount = 0;
  /** Descriptor blocks: PRP lists in chain order, or one SGL. Physical and device address. */
  readonly descriptorPhys = new Float64Array(NVME_MAX_NR_DESCRIPTORS);
  readonly descriptorDma = new Float64Array(NVME_MAX_NR_DESCRIPTORS);
  descriptorCount = 0;
  /** Made when first needed: few disks have metadata. */
  metadata: MetadataIod | null = null;
  /** Of a discard: which range page it uses. */
  rangePage = -1;

  /** Records a vector for unmapping. */
  recordVector(address: number, lengthBytes: number): void {
    this.#vecAddr ??= new Float64Array(NVME_MAX_SEGS);
    this.#vecBytes ??= new Float64Array(NVME_MAX_SEGS);
    this.#vecAddr[this.vecCount] = address;
    this.#vecBytes[this.vecCount++] = lengthBytes;
  }

  vectorAddress(i: number): number {
    return this.#vecAddr![i];
  }

  vectorBytes(i: number): number {
    return this.#vecBytes![i];
  }
}
