import { ENOMEM } from '../../block/bio/errno.ts';
import { emptyLimits, validateLimits } from '../../block/limits/queue-limits.ts';
import { BlockTrace } from '../../block/queue/block-trace.ts';
import { RequestQueue } from '../../block/queue/request-queue.ts';
import { TagSet } from '../../block/tags/tag-set.ts';
import { NVME_AQ_DEPTH, NVME_AQ_MQ_TAG_DEPTH, NVME_CTRL_PAGE_SIZE, NVME_MAX_KB_SZ } from '../constants.ts';
import type { NvmeDriver } from '../nvme-driver.ts';
import { type NvmeQueue, RING_ENTRY_BYTES } from '../queues/nvme-queue.ts';
import { QueueMemory } from '../queues/queue-memory.ts';
import type { NvmeIod } from '../requests/nvme-iod.ts';

/** The rings of queue 0: allocated at the first start, and used again after every reset (spec N56, steps 5 to 9). */
export class AdminRings {
  queue: NvmeQueue | null = null;
  readonly #driver: NvmeDriver;

  constructor(driver: NvmeDriver) {
    this.#driver = driver;
  }

  /** Tells the controller where they are and enables it: 0, or a negative errno. */
  start(): number {
    const { device, registers, adminPath } = this.#driver;
    if (this.queue === null) {
      const cq = QueueMemory.alloc(device, NVME_AQ_DEPTH, RING_ENTRY_BYTES.cq);
      const sq = cq === null ? null : QueueMemory.alloc(device, NVME_AQ_DEPTH, RING_ENTRY_BYTES.sq);
      if (cq === null || sq === null) return ENOMEM;
      this.queue = this.#driver.makeQueue(0, { sq, cq }, false);
    }
    const { queue } = this;
    registers.setAdminQueues(queue.sq.dmaAddr, queue.cq.dmaAddr);
    const error = registers.enable();
    if (error !== 0) return error;
    queue.init();
    queue.vector = 0;
    adminPath.queues = [queue];
    return 0;
  }

  free(): void {
    this.queue?.cq.free();
    this.queue?.sq.free();
    this.queue = null;
  }
}

/** The block layer's side of queue 0: 30 tags in one context, and limits until the controller was identified. */
export function makeAdminRequestQueue({ adminPath, cpus, tagHints, context }: NvmeDriver): RequestQueue<NvmeIod> {
  const counts = { default: 1, read: 0, poll: 0 };
  const tagSet = new TagSet(adminPath, NVME_AQ_MQ_TAG_DEPTH, counts, cpus, tagHints.admin);
  adminPath.tagSet = tagSet;
  const limits = emptyLimits();
  limits.maxHwSectors = NVME_MAX_KB_SZ * 2;
  limits.virtBoundaryMask = NVME_CTRL_PAGE_SIZE - 1;
  limits.dmaAlignment = 3;
  validateLimits(limits);
  return new RequestQueue<NvmeIod>({ tagSet, limits, trace: new BlockTrace(context.ring, '0,0'), elevator: false });
}
