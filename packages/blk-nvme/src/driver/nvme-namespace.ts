import type { RequestQueue } from '../block/queue/request-queue.ts';
import type { NamespaceIdentity } from './bring-up/namespace-limits.ts';
import type { NvmeIod } from './requests/nvme-iod.ts';

/** A disk: one namespace and its request queue. */
export class NvmeNamespace {
  readonly nsid: number;
  /** `nvme0n1`. */
  readonly diskName: string;
  readonly identity: NamespaceIdentity;
  readonly sectorsPerLba: number;
  readonly queue: RequestQueue<NvmeIod>;
  /** The disk's number in the trace ring. */
  readonly traceId: number;

  constructor(nsid: number, diskName: string, identity: NamespaceIdentity, queue: RequestQueue<NvmeIod>) {
    this.nsid = nsid;
    this.diskName = diskName;
    this.identity = identity;
    this.sectorsPerLba = 2 ** (identity.lbaShift - 9);
    this.queue = queue;
    this.traceId = queue.trace.ring.intern(diskName);
  }

  /** In 512-byte sectors. */
  get capacitySectors(): number {
    return this.identity.capacitySectors;
  }
}
