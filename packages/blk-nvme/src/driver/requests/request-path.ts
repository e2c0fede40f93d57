import type { DmaContext } from '@dmalab/dma-api';
import { BLK_STS_IOERR, BLK_STS_OK, BLK_STS_RESOURCE } from '../../block/bio/block-status.ts';
import { opIsPassthrough, REQ_FAILFAST_DEV, REQ_FAILFAST_DRIVER, REQ_FAILFAST_TRANSPORT } from '../../block/bio/op.ts';
import type { QueueOps } from '../../block/queue/queue-ops.ts';
import { MQ_RQ_COMPLETE, MQ_RQ_IN_FLIGHT, type Request } from '../../block/queue/request.ts';
import type { HwContext, TagSet } from '../../block/tags/tag-set.ts';
import { set } from '../../spec/bits.ts';
import { CqeWord, statusOf } from '../../spec/cqe.ts';
import { Cdw0, SqeWord } from '../../spec/sqe.ts';
import { NVME_STATUS_CRD, NVME_STATUS_DNR, Status } from '../../spec/status.ts';
import { NVME_ADMIN_TIMEOUT_NANOS, NVME_AQ_BLK_MQ_DEPTH, NVME_IO_TIMEOUT_NANOS } from '../constants.ts';
import type { DriverLog } from '../driver-log.ts';
import type { DataMapping } from '../mapping/data-mapping.ts';
import type { NvmeNamespace } from '../nvme-namespace.ts';
import type { NvmeQueue } from '../queues/nvme-queue.ts';
import { setupCommand } from './command-builder.ts';
import type { DiscardPages } from './discard-pages.ts';
import { NVME_REQ_CANCELLED, NVME_REQ_USERCMD, NvmeIod } from './nvme-iod.ts';
import { nvmeErrorStatus } from './nvme-status.ts';
import type { NvmeTrace } from './nvme-trace.ts';

const TAG_MASK = 0xfff;
const GENERATION_SHIFT = 12;
const GENERATION_MASK = 0xf;
/** Requests whose failure is final (spec N91). */
const NO_RETRY: number = REQ_FAILFAST_DEV | REQ_FAILFAST_TRANSPORT | REQ_FAILFAST_DRIVER;

/** What the path of a request needs of the driver around it. */
export interface PathContext {
  readonly context: DmaContext;
  readonly mapping: DataMapping;
  readonly discards: DiscardPages;
  readonly trace: NvmeTrace;
  readonly log: DriverLog;
  readonly maxRetries: number;
  /** CRDT of the controller in milliseconds (spec N60). */
  readonly retryDelaysMillis: readonly number[];
  /** The admin queue's event request completed (spec N95). */
  onAsyncEvent(status: number, result: number): void;
}

/**
 * From request to queue entry, and from completion back (spec N75, N90 to N92), for the admin queue or for the I/O
 * queues. The batch of a drain is the requests whose completion may end together (spec N24).
 */
export class RequestPath implements QueueOps<NvmeIod> {
  /** By hardware context. Filled when the queues come up. */
  queues: NvmeQueue[] = [];
  tagSet: TagSet<NvmeIod> | null = null;
  /** Requests are held back: the controller is being reset (spec N68, N96). */
  quiesced = false;
  readonly #p: PathContext;
  readonly #isAdmin: boolean;
  /** Something was put back since the last {@link runRetries}. */
  #pendingRun = false;
  readonly #batch: Request<NvmeIod>[] = [];
  /** Requests that wait for the controller's retry delay. */
  readonly #delayed: { readonly request: Request<NvmeIod>; readonly dueNanos: number }[] = [];

  constructor(path: PathContext, isAdmin: boolean) {
    this.#p = path;
    this.#isAdmin = isAdmin;
  }

  initRequest(): NvmeIod {
    return new NvmeIod();
  }

  /** Spec N75: build, map, start, copy, ring. */
  queueRq(request: Request<NvmeIod>, last: boolean): number {
    if (this.quiesced) return BLK_STS_RESOURCE;
    const queue = this.queues[request.hctx];
    if (queue === undefined || !queue.enabled) return BLK_STS_IOERR;
    const iod = request.data;
    const ns = request.queue!.queuedata as NvmeNamespace | null;
    const built = setupCommand(ns, request, this.#p.discards);
    if (built !== BLK_STS_OK) return built;
    iod.cid = request.tag | ((iod.generation & GENERATION_MASK) << GENERATION_SHIFT);
    iod.command[SqeWord.CDW0] = set(iod.command[SqeWord.CDW0], Cdw0.CID, iod.cid);
    iod.status = 0;
    iod.requestFlags &= ~NVME_REQ_CANCELLED;
    const { trace } = this.#p;
    if (trace.ring.on) trace.setupCmd(ns, queue.qid, iod, request.nrIntegritySegments > 0 ? 1 : 0);
    const mapped = this.#mapData(request);
    if (mapped !== BLK_STS_OK) return mapped;
    this.#start(request);
    queue.submit(iod.command, last);
    return BLK_STS_OK;
  }

  #mapData(request: Request<NvmeIod>): number {
    const iod = request.data;
    iod.flags = 0;
    if (request.nrPhysSegments === 0) return BLK_STS_OK;
    const { mapping } = this.#p;
    const isUser = (iod.requestFlags & NVME_REQ_USERCMD) !== 0;
    const status = mapping.map(request, mapping.sglPolicy(request, this.#isAdmin, isUser));
    if (status !== BLK_STS_OK) this.#putRangePage(request);
    return status;
  }

  #start(request: Request<NvmeIod>): void {
    request.state = MQ_RQ_IN_FLIGHT;
    const timeout = this.#isAdmin ? NVME_ADMIN_TIMEOUT_NANOS : NVME_IO_TIMEOUT_NANOS;
    request.deadlineNanos = this.#p.context.kernel.nowNanos + timeout;
    const { trace } = request.queue!;
    if (trace.ring.on) trace.issue(request);
  }

  commitRqs(hctx: number): void {
    this.queues[hctx].ring();
  }

  poll(hctx: number): number {
    return this.drain(this.queues[hctx]);
  }

  /** Takes every completion of a queue, then tells the device once (spec N90): how many there were. */
  drain(queue: NvmeQueue): number {
    let count = 0;
    while (queue.hasCompletion()) {
      this.#handle(queue);
      queue.advanceHead();
      count++;
    }
    if (count === 0) return 0;
    queue.ringCq();
    if (this.#batch.length > 0) this.#endBatch();
    return count;
  }

  #handle(queue: NvmeQueue): void {
    const word3 = queue.cqeWord(CqeWord.STATUS);
    const cid = word3 & 0xffff;
    const result = queue.cqeWord(CqeWord.DW0) + queue.cqeWord(CqeWord.DW1) * 2 ** 32;
    if (this.#isAdmin && (cid & TAG_MASK) >= NVME_AQ_BLK_MQ_DEPTH) {
      this.#p.onAsyncEvent(statusOf(word3), result);
      return;
    }
    const request = this.#find(queue, cid);
    if (request === null) return;
    const iod = request.data;
    const { trace } = this.#p;
    const ns = request.queue!.queuedata as NvmeNamespace | null;
    if (trace.ring.on) trace.sq(ns, queue.qid, queue.cqeWord(CqeWord.SQ) & 0xffff, queue.sqTail);
    iod.generation = (iod.generation + 1) & 0xff;
    iod.status = statusOf(word3);
    iod.result = result;
    this.complete(request);
  }

  /** The in-flight request of a command id, or null with the kernel's complaint (spec N52). */
  #find(queue: NvmeQueue, cid: number): Request<NvmeIod> | null {
    const tag = cid & TAG_MASK;
    const context = this.#contextOf(queue);
    const request = tag < context.inFlight.length ? context.inFlight[tag] : null;
    if (request === null || request.state !== MQ_RQ_IN_FLIGHT) {
      this.#p.log.warn(`could not locate request for tag 0x${tag.toString(16)}`);
      this.#p.log.warn(`invalid id ${cid} completed on queue ${queue.qid}`);
      return null;
    }
    const expected = request.data.generation & GENERATION_MASK;
    if (cid >>> GENERATION_SHIFT === expected) return request;
    const got = (cid >>> GENERATION_SHIFT).toString(16);
    this.#p.log.warn(
      `request 0x${tag.toString(16)} genctr mismatch (got 0x${got} expected 0x${expected.toString(16)})`,
    );
    this.#p.log.warn(`invalid id ${cid} completed on queue ${queue.qid}`);
    return null;
  }

  #contextOf(queue: NvmeQueue): HwContext<NvmeIod> {
    return this.tagSet!.contexts[this.#isAdmin ? 0 : queue.qid - 1];
  }

  /** A request is done, by its device or because it was cancelled: at once, or with the batch (spec N24, N25). */
  complete(request: Request<NvmeIod>): void {
    request.state = MQ_RQ_COMPLETE;
    const canBatch =
      this.tagSet!.onePerCpu && request.schedTag < 0 && !opIsPassthrough(request.opf) && request.data.status === 0;
    if (canBatch) this.#batch.push(request);
    else this.#finish(request);
  }

  /** First every unmapping and its event, then every end (spec N87). */
  #endBatch(): void {
    for (const request of this.#batch) this.#release(request);
    for (const request of this.#batch) this.#end(request, true);
    this.#batch.length = 0;
  }

  #finish(request: Request<NvmeIod>): void {
    this.#release(request);
    if (this.#mayRetry(request)) this.#retry(request);
    else this.#end(request, false);
  }

  #release(request: Request<NvmeIod>): void {
    const iod = request.data;
    if (iod.flags !== 0) this.#p.mapping.unmap(request);
    this.#putRangePage(request);
    const { trace } = this.#p;
    if (trace.ring.on) {
      const ns = request.queue!.queuedata as NvmeNamespace | null;
      trace.completeRq(ns, this.queues[request.hctx].qid, iod, request.retries);
    }
  }

  #putRangePage(request: Request<NvmeIod>): void {
    if (request.data.rangePage < 0) return;
    this.#p.discards.put(request.data.rangePage);
    request.data.rangePage = -1;
    request.specialPhys = -1;
  }

  /** Spec N91. */
  #mayRetry(request: Request<NvmeIod>): boolean {
    const { status } = request.data;
    if (status === 0 || (status & NVME_STATUS_DNR) !== 0) return false;
    if (opIsPassthrough(request.opf) || (request.opf & NO_RETRY) !== 0) return false;
    return request.retries < this.#p.maxRetries;
  }

  #retry(request: Request<NvmeIod>): void {
    const crd = (request.data.status & NVME_STATUS_CRD) >>> 11;
    request.retries++;
    const delayNanos = crd === 0 ? 0 : (this.#p.retryDelaysMillis[crd - 1] ?? 0) * 1e6;
    if (delayNanos > 0) {
      this.#delayed.push({ request, dueNanos: this.#p.context.kernel.nowNanos + delayNanos });
      return;
    }
    request.queue!.requeue(request);
    this.#pendingRun = true;
  }

  /** Ends or retries every request that the device has: it will not answer any more (spec N96). */
  cancelAll(): void {
    for (const context of this.tagSet?.contexts ?? []) {
      for (const request of context.inFlight) {
        if (request === null || request.state !== MQ_RQ_IN_FLIGHT) continue;
        request.data.status = Status.HOST_ABORTED_CMD;
        request.data.requestFlags |= NVME_REQ_CANCELLED;
        request.data.generation = (request.data.generation + 1) & 0xff;
        this.complete(request);
      }
    }
  }

  /** Lets requests through again, beginning with those that were held back. */
  unquiesce(): void {
    this.quiesced = false;
    this.#pendingRun = true;
    this.runRetries();
  }

  /** Issues again what was put back for a retry and is due. Called from outside of any completion. */
  runRetries(): void {
    const { nowNanos } = this.#p.context.kernel;
    for (let i = this.#delayed.length - 1; i >= 0; i--) {
      if (this.#delayed[i].dueNanos > nowNanos) continue;
      const [{ request }] = this.#delayed.splice(i, 1);
      request.queue!.requeue(request);
      this.#pendingRun = true;
    }
    if (!this.#pendingRun || this.quiesced) return;
    this.#pendingRun = false;
    for (const { dispatch } of this.tagSet?.contexts ?? []) if (dispatch.length > 0) dispatch[0].queue!.run();
  }

  #end(request: Request<NvmeIod>, batched: boolean): void {
    const iod = request.data;
    if (iod.status !== 0) this.#p.log.commandFailed(request, this.#isAdmin);
    request.status = nvmeErrorStatus(iod.status);
    if (request.status !== BLK_STS_OK) this.#p.log.requestFailed(request);
    request.queue!.end(request, batched);
  }
}
