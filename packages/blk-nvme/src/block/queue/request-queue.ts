import { EventKind } from '@dmalab/trace';
import { Bio } from '../bio/bio.ts';
import {
  BLK_STS_DEV_RESOURCE,
  BLK_STS_IOERR,
  BLK_STS_NOTSUPP,
  BLK_STS_OK,
  BLK_STS_RESOURCE,
  errnoToBlkStatus,
} from '../bio/block-status.ts';
import { opIsPassthrough, opIsWrite, REQ_FUA, REQ_NOMERGE, REQ_POLLED, REQ_PREFLUSH } from '../bio/op.ts';
import type { BlockIntegrity } from '../integrity/block-integrity.ts';
import {
  MERGE_BACK,
  MERGE_DISCARD,
  MERGE_FRONT,
  mergeCandidate,
  tryBackMerge,
  tryDiscardMerge,
  tryFrontMerge,
} from '../limits/merge.ts';
import type { QueueLimits } from '../limits/queue-limits.ts';
import { planSplit, type SplitPlan } from '../limits/split.ts';
import { Elevator } from '../tags/elevator.ts';
import { RequestFifo } from '../tags/request-fifo.ts';
import { HCTX_TYPE_DEFAULT, HCTX_TYPE_POLL, HCTX_TYPE_READ, type HwContext, type TagSet } from '../tags/tag-set.ts';
import type { BlockTrace } from './block-trace.ts';
import { FlushMachine } from './flush.ts';
import { MQ_RQ_COMPLETE, MQ_RQ_IDLE, type Request } from './request.ts';

export interface RequestQueueOptions<D> {
  readonly tagSet: TagSet<D>;
  readonly limits: QueueLimits;
  readonly trace: BlockTrace;
  /** Default: an elevator exactly when there is one hardware queue, as the kernel chooses (spec N21). */
  readonly elevator?: boolean;
  /** The driver's own, told back to it. */
  readonly queuedata?: object;
  /** Makes and checks protection information (spec N47). Default: nobody does. */
  readonly integrity?: BlockIntegrity | null;
}

/**
 * One disk's queue (spec A4, A5): from bios to requests with tags, and from completions back to bios. Everything runs to
 * its end in the caller; a request that gets no tag or no resources waits for a completion.
 */
export class RequestQueue<D> {
  readonly tagSet: TagSet<D>;
  limits: QueueLimits;
  readonly trace: BlockTrace;
  readonly elevator: Elevator<D> | null;
  queuedata: object | null;
  readonly #integrity: BlockIntegrity | null;
  readonly #flush: FlushMachine<D>;
  /** Bios that found no tag, oldest first. */
  readonly #starved: Bio[] = [];
  readonly #plan: SplitPlan = { sectors: 0, segments: 0 };
  /** Requests collected while plugged (spec N20). */
  readonly #plugged = new RequestFifo<D>();
  #isPlugged = false;

  constructor(options: RequestQueueOptions<D>) {
    this.tagSet = options.tagSet;
    this.limits = options.limits;
    this.trace = options.trace;
    this.queuedata = options.queuedata ?? null;
    this.#integrity = options.integrity ?? null;
    const useElevator = options.elevator ?? options.tagSet.contexts.length === 1;
    this.elevator = useElevator ? new Elevator(options.tagSet.ops, options.tagSet.depth) : null;
    this.#flush = new FlushMachine(this);
  }

  /** Submits a bio (spec N15); `bio.endIo` is called when it ended, which may be before this returns. */
  submitBio(bio: Bio, cpu = 0): void {
    const lbs = this.limits.logicalBlockSize;
    let rest: Bio | null = bio;
    // Block sizes are powers of two. Plain form: `bio.sector % (lbs / 512) !== 0 || bio.bytes % lbs !== 0`.
    if ((bio.sector & ((lbs >>> 9) - 1)) !== 0 || (bio.bytes & (lbs - 1)) !== 0) {
      rest = null;
      endBio(bio, BLK_STS_IOERR);
    } else if ((bio.opf & REQ_POLLED) !== 0 && this.tagSet.counts.poll === 0) {
      rest = null;
      endBio(bio, BLK_STS_NOTSUPP);
    }
    while (rest !== null) rest = this.#submitPart(rest, cpu);
  }

  /** Submits what fits; the rest of a split bio, or null. */
  #submitPart(bio: Bio, cpu: number): Bio | null {
    const plan = this.#plan;
    planSplit(bio, this.limits, plan);
    if (plan.sectors < 0) {
      endBio(bio, errnoToBlkStatus(plan.sectors));
      return null;
    }
    const { segments } = plan;
    if (plan.sectors === 0) {
      this.#submitWhole(bio, segments, cpu);
      return null;
    }
    const first = this.#splitOff(bio, plan.sectors * 512);
    this.#submitWhole(first, segments, cpu);
    return bio;
  }

  /** The front of a bio as a bio of its own; the bio keeps the rest (spec N12). */
  #splitOff(bio: Bio, bytes: number): Bio {
    const first = new Bio(bio.vecs);
    first.opf = (bio.opf | REQ_NOMERGE) & ~REQ_POLLED;
    first.sector = bio.sector;
    first.bytes = bytes;
    first.index = bio.index;
    first.done = bio.done;
    first.gapBit = bio.gapBit;
    first.ioprioClass = bio.ioprioClass;
    if (bio.integrity !== null) first.integrity = splitIntegrity(bio.integrity, bytes / bio.bytes);
    first.parent = bio;
    bio.remaining++;
    bio.opf &= ~REQ_POLLED;
    if (this.trace.ring.on) this.trace.split(first, bio.sector + bytes / 512);
    bio.advance(bytes);
    return first;
  }

  #submitWhole(bio: Bio, segments: number, cpu: number): void {
    if (this.#flush.endsAtOnce(bio)) {
      endBio(bio, BLK_STS_OK);
      return;
    }
    const prepared = this.#integrity === null ? BLK_STS_OK : this.#integrity.prepare(bio);
    if (prepared !== BLK_STS_OK) {
      endBio(bio, prepared);
      return;
    }
    if ((bio.opf & REQ_NOMERGE) === 0 && this.#merge(bio, segments)) return;
    const request = this.#allocate(bio.opf, cpu);
    if (request === null) {
      this.#starved.push(bio);
      return;
    }
    request.fromBio(this, bio, segments);
    if ((bio.opf & (REQ_PREFLUSH | REQ_FUA)) !== 0 && this.#flush.takes(request)) return;
    if (this.#isPlugged) this.#plugged.push(request);
    else this.insert(request);
  }

  /** Requests in front of the driver that a bio may join: the newest plugged, or those in the elevator (spec N19). */
  #merge(bio: Bio, segments: number): boolean {
    const { length } = this.#plugged;
    if (length > 0 && this.#mergeInto(this.#plugged.at(length - 1), bio, segments)) return true;
    const waiting = this.elevator?.waiting;
    if (waiting === undefined) return false;
    for (let i = waiting.length - 1; i >= 0; i--) if (this.#mergeInto(waiting.at(i), bio, segments)) return true;
    return false;
  }

  #mergeInto(request: Request<D>, bio: Bio, segments: number): boolean {
    const kind = mergeCandidate(request, bio, this.limits);
    if (kind === MERGE_DISCARD) return tryDiscardMerge(request, bio, this.limits);
    if (kind === MERGE_BACK && tryBackMerge(request, bio, segments, this.limits)) {
      if (this.trace.ring.on) this.trace.bio(EventKind.BLOCK_BIO_BACKMERGE, bio);
      return true;
    }
    if (kind === MERGE_FRONT && tryFrontMerge(request, bio, segments, this.limits)) {
      if (this.trace.ring.on) this.trace.bio(EventKind.BLOCK_BIO_FRONTMERGE, bio);
      return true;
    }
    return false;
  }

  /** Collects requests from here on instead of issuing them (spec N20). */
  plug(): void {
    this.#isPlugged = true;
  }

  /** Ends plugging: hands over what was collected, telling the device once at the end. */
  unplug(): void {
    const plugged = this.#plugged;
    this.#isPlugged = false;
    if (this.elevator === null) {
      while (plugged.length > 0) this.#issue(plugged.shift(), plugged.length === 0);
      return;
    }
    if (plugged.length === 0) return;
    while (plugged.length > 0) this.elevator.waiting.push(plugged.shift());
    this.run();
  }

  /** A request without a bio: passthrough (spec N58, N74), or null when no tag is free. */
  allocatePassthrough(opf: number, cpu = 0): Request<D> | null {
    const context = this.#contextOf(opf, cpu);
    const tag = context.tags.get(cpu);
    if (tag < 0) return null;
    const request = context.requests[tag];
    request.blank(this, opf);
    this.#takeTag(request, context, tag, cpu);
    return request;
  }

  /** To the driver by way of the elevator, if there is one. */
  insert(request: Request<D>): void {
    if (this.elevator === null || opIsPassthrough(request.opf)) {
      this.#issue(request, true);
      return;
    }
    this.elevator.waiting.push(request);
    this.run();
  }

  /** Dispatches what waits: first what the driver turned away, then the elevator's. */
  run(): void {
    for (const context of this.tagSet.contexts) {
      while (context.dispatch.length > 0) {
        const request = context.dispatch[0];
        if (request.tag < 0 && !this.#dispatchTag(request, context)) return;
        context.dispatch.shift();
        if (!this.#issue(request, context.dispatch.length === 0)) return;
      }
    }
    const waiting = this.elevator?.waiting;
    while (waiting !== undefined && waiting.length > 0) {
      const request = waiting.at(0);
      const context = this.tagSet.contexts[request.hctx];
      if (request.tag < 0 && !this.#dispatchTag(request, context)) return;
      waiting.shift();
      if (!this.#issue(request, waiting.length === 0)) return;
    }
  }

  #dispatchTag(request: Request<D>, context: HwContext<D>): boolean {
    const tag = context.tags.get(request.cpu);
    if (tag < 0) return false;
    request.tag = tag;
    context.inFlight[tag] = request;
    return true;
  }

  /** False when the driver has no resources: the request waits for the next run (spec N88). */
  #issue(request: Request<D>, last: boolean): boolean {
    const status = this.tagSet.ops.queueRq(request, last);
    if (status === BLK_STS_OK) return true;
    if (status === BLK_STS_RESOURCE || status === BLK_STS_DEV_RESOURCE) {
      this.tagSet.contexts[request.hctx].dispatch.unshift(request);
      return false;
    }
    request.status = status;
    this.end(request, false);
    return true;
  }

  #allocate(opf: number, cpu: number): Request<D> | null {
    const context = this.#contextOf(opf, cpu);
    const { elevator } = this;
    if (elevator === null) {
      const tag = context.tags.get(cpu);
      if (tag < 0) return null;
      const request = context.requests[tag];
      this.#takeTag(request, context, tag, cpu);
      return request;
    }
    const schedTag = elevator.tags.get(cpu);
    if (schedTag < 0) return null;
    const request = elevator.requests[schedTag];
    request.schedTag = schedTag;
    request.tag = -1;
    request.hctx = context.index;
    request.cpu = cpu;
    return request;
  }

  #takeTag(request: Request<D>, context: HwContext<D>, tag: number, cpu: number): void {
    request.tag = tag;
    request.schedTag = -1;
    request.hctx = context.index;
    request.cpu = cpu;
    context.inFlight[tag] = request;
  }

  #contextOf(opf: number, cpu: number): HwContext<D> {
    let kind = opIsWrite(opf) ? HCTX_TYPE_DEFAULT : HCTX_TYPE_READ;
    if ((opf & REQ_POLLED) !== 0) kind = HCTX_TYPE_POLL;
    return this.tagSet.contextFor(kind, cpu);
  }

  /** Puts a request back to be issued again (spec N91). */
  requeue(request: Request<D>): void {
    if (this.trace.ring.on) this.trace.requeue(request);
    const context = this.tagSet.contexts[request.hctx];
    request.state = MQ_RQ_IDLE;
    request.status = BLK_STS_OK;
    // With an elevator the driver tag goes back, and the request comes out again with another.
    if (request.schedTag >= 0 && request.tag >= 0) {
      context.inFlight[request.tag] = null;
      context.tags.put(request.tag, request.cpu);
      request.tag = -1;
    }
    context.dispatch.push(request);
  }

  /** Ends a request for good: its bios, its tags, and whoever waited for them. `batched`: spec N24. */
  end(request: Request<D>, batched: boolean): void {
    request.state = MQ_RQ_COMPLETE;
    if (this.trace.ring.on) this.trace.complete(request, request.bytes);
    if (this.#flush.isInSequence(request)) this.#flush.step(request);
    else this.#finish(request, batched);
  }

  /** A request that went through flushes ends; `report`: it was never issued itself, so that its end is told here. */
  endSequence(request: Request<D>, report: boolean): void {
    if (report && this.trace.ring.on) this.trace.complete(request, 0);
    this.#finish(request, false);
  }

  /** The shared flush goes out under the tag of the first that waits for it (spec N27). */
  lendTag(owner: Request<D>, flush: Request<D>): void {
    flush.tag = owner.tag;
    if (owner.tag >= 0) this.tagSet.contexts[owner.hctx].inFlight[owner.tag] = flush;
    if (this.elevator === null || owner.tag >= 0) {
      this.#issue(flush, true);
      return;
    }
    this.elevator.waiting.unshift(flush);
    this.run();
  }

  returnTag(flush: Request<D>, owner: Request<D>): void {
    const context = this.tagSet.contexts[flush.hctx];
    if (owner.tag >= 0) {
      context.inFlight[owner.tag] = owner;
    } else if (flush.tag >= 0) {
      context.inFlight[flush.tag] = null;
      context.tags.put(flush.tag, flush.cpu);
    }
    flush.tag = -1;
    flush.state = MQ_RQ_IDLE;
  }

  #finish(request: Request<D>, batched: boolean): void {
    const { bio, status, endIo } = request;
    this.release(request, batched);
    for (let b = bio; b !== null; ) {
      const next: Bio | null = b.next;
      b.next = null;
      endBio(b, this.#integrity === null ? status : this.#integrity.finish(b, status));
      b = next;
    }
    if (bio === null) endIo?.(request);
    if (this.#starved.length > 0 || this.#hasWaiting()) this.#resume();
  }

  #hasWaiting(): boolean {
    if (this.elevator !== null && this.elevator.waiting.length > 0) return true;
    const { contexts } = this.tagSet;
    for (let i = 0; i < contexts.length; i++) if (contexts[i].dispatch.length > 0) return true;
    return false;
  }

  #resume(): void {
    this.run();
    while (this.#starved.length > 0) {
      const before = this.#starved.length;
      const bio = this.#starved.shift()!;
      this.submitBio(bio);
      if (this.#starved.length >= before) return;
    }
  }

  /** Gives back driver and scheduler tag. */
  release(request: Request<D>, batched: boolean): void {
    const context = this.tagSet.contexts[request.hctx];
    if (request.tag >= 0) {
      context.inFlight[request.tag] = null;
      if (batched) context.tags.putNow(request.tag, request.cpu);
      else context.tags.put(request.tag, request.cpu);
      request.tag = -1;
    }
    if (request.schedTag >= 0) this.elevator!.tags.put(request.schedTag, request.cpu);
    request.schedTag = -1;
    request.state = MQ_RQ_IDLE;
  }
}

/** The front part of a payload, as a fraction of it; the payload keeps the rest. */
function splitIntegrity(payload: Bio, part: number): Bio {
  const front = new Bio(payload.vecs);
  front.opf = payload.opf;
  front.index = payload.index;
  front.done = payload.done;
  front.bytes = payload.bytes * part;
  payload.advance(front.bytes);
  return front;
}

/** Ends a bio, or notes that one more part of a split one ended. */
export function endBio(bio: Bio, status: number): void {
  if (status !== BLK_STS_OK && bio.status === BLK_STS_OK) bio.status = status;
  if (--bio.remaining > 0) return;
  const { parent } = bio;
  if (parent !== null) endBio(parent, bio.status);
  else bio.endIo?.(bio);
}
