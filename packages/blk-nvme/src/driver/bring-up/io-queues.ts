import { ENOMEM } from '../../block/bio/errno.ts';
import { TagSet } from '../../block/tags/tag-set.ts';
import { Feature } from '../../spec/features.ts';
import { AdminOpcode } from '../../spec/opcodes.ts';
import type { NvmeDriver } from '../nvme-driver.ts';
import { type NvmeQueue, RING_ENTRY_BYTES } from '../queues/nvme-queue.ts';
import { QueueMemory, type SubmissionRing } from '../queues/queue-memory.ts';
import type { NvmeIod } from '../requests/nvme-iod.ts';

/** How many queues of each kind come up (spec N62). */
interface QueuePlan {
  default: number;
  read: number;
  poll: number;
}

/** I/O queues: how many, their memory, and the commands that create and delete them (spec N62, N63, N96). */
export class IoQueues {
  readonly #driver: NvmeDriver;
  readonly #queues: NvmeQueue[] = [];
  plan: QueuePlan = { default: 0, read: 0, poll: 0 };
  tagSet: TagSet<NvmeIod> | null = null;
  depth = 0;
  /** Submission queues go into the controller's memory (spec N65). */
  #inCmb = false;
  /** There is one vector for all queues. */
  #shared = false;

  constructor(driver: NvmeDriver) {
    this.#driver = driver;
  }

  /** Queues that the driver reckons with, the admin queue among them: sizes the shadow doorbells (spec N66). */
  get allocated(): number {
    const { cpus, parameters } = this.#driver;
    return cpus + parameters.writeQueues + parameters.pollQueues + 1;
  }

  /** Asks for queues, vectors and memory, and creates the pairs (spec N62, N63): 0, or an error. */
  setUp(): number {
    const { admin, registers, parameters, log } = this.#driver;
    const wanted = this.allocated - 1;
    const status = admin.setFeatures(Feature.NUM_QUEUES, (wanted - 1) | ((wanted - 1) << 16));
    if (status < 0) return status;
    if (status > 0) return this.#adminOnly();
    const given = Math.min(admin.result & 0xffff, Math.floor(admin.result / 2 ** 16) & 0xffff) + 1;
    const count = Math.min(wanted, given);
    this.#planDepth(count, Math.min(registers.maxQueueEntries, parameters.ioQueueDepth));
    this.#planQueues(count);
    const { plan } = this;
    const error = this.#allocate(plan.default + plan.read, plan.poll);
    if (error !== 0) return error;
    const created = this.#createAll(plan.default + plan.read);
    if (created !== 0) return created;
    this.#makeTagSet();
    log.info(`${plan.default}/${plan.read}/${plan.poll} default/read/poll queues`);
    return 0;
  }

  #adminOnly(): number {
    this.plan = { default: 0, read: 0, poll: 0 };
    this.#driver.log.error('Could not set queue count');
    return 0;
  }

  #planDepth(count: number, most: number): void {
    // Rings that were allocated before a reset are used again as they are.
    if (this.#queues.length > 0) return;
    const inCmb = this.#driver.cmb.queueDepth(count, most);
    this.#inCmb = inCmb > 0;
    this.depth = this.#inCmb ? inCmb : most;
  }

  #allocSubmissionRing(): SubmissionRing | null {
    const inCmb = this.#inCmb ? this.#driver.cmb.allocRing(this.depth) : null;
    return inCmb ?? QueueMemory.alloc(this.#driver.device, this.depth, RING_ENTRY_BYTES.sq);
  }

  /** Which kinds the interrupt vectors allow (spec N62). */
  #planQueues(count: number): void {
    const { parameters } = this.#driver;
    const poll = Math.min(parameters.pollQueues, count - 1);
    const vectors = this.#driver.vectors.enable(1 + count - poll);
    this.#shared = vectors === 1;
    const irqQueues = Math.max(vectors - 1, 1);
    const { writeQueues } = parameters;
    let read = 0;
    if (vectors > 1 && irqQueues > 1 && writeQueues > 0) read = writeQueues >= irqQueues ? 1 : irqQueues - writeQueues;
    this.plan = { default: irqQueues - read, read, poll };
  }

  /** Memory of all queues first, completions before submissions (spec N63). Kept over resets. */
  #allocate(irqQueues: number, poll: number): number {
    const { device } = this.#driver;
    for (let qid = this.#queues.length + 1; qid <= irqQueues + poll; qid++) {
      const cq = QueueMemory.alloc(device, this.depth, RING_ENTRY_BYTES.cq);
      const sq = cq === null ? null : this.#allocSubmissionRing();
      if (cq === null || sq === null) return ENOMEM;
      this.#queues.push(this.#driver.makeQueue(qid, { sq, cq }, qid > irqQueues));
    }
    return 0;
  }

  #createAll(irqQueues: number): number {
    const { admin } = this.#driver;
    for (const queue of this.#queues) {
      const vector = queue.qid > irqQueues || this.#shared ? 0 : queue.qid;
      const interrupts = queue.qid <= irqQueues;
      const status = admin.createCq(queue.qid, queue.cq.dmaAddr, queue.depth, vector, interrupts);
      if (status !== 0) return status;
      const created = admin.createSq(queue.qid, queue.sq.dmaAddr, queue.depth);
      if (created !== 0) {
        admin.deleteQueue(AdminOpcode.DELETE_CQ, queue.qid);
        return created;
      }
      queue.init();
      queue.vector = interrupts ? vector : -1;
    }
    this.#driver.ioPath.queues = this.#queues;
    return 0;
  }

  #makeTagSet(): void {
    const { ioPath, cpus, tagHints } = this.#driver;
    this.tagSet ??= new TagSet(ioPath, this.depth - 1, this.plan, cpus, tagHints.io);
    ioPath.tagSet = this.tagSet;
  }

  /** Submission queues first, highest first, then completion queues (spec N96). */
  deleteAll(): void {
    const { admin } = this.#driver;
    for (const opcode of [AdminOpcode.DELETE_SQ, AdminOpcode.DELETE_CQ]) {
      for (const queue of this.#queues.toReversed()) if (queue.enabled) admin.deleteQueue(opcode, queue.qid);
    }
  }

  /** Highest first (spec N98). */
  free(): void {
    for (const queue of this.#queues.toReversed()) {
      queue.cq.free();
      queue.sq.free();
    }
    this.#queues.length = 0;
  }
}
