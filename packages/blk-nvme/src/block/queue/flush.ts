import type { Bio } from '../bio/bio.ts';
import { BLK_STS_OK } from '../bio/block-status.ts';
import { REQ_FUA, REQ_OP_FLUSH, REQ_PREFLUSH } from '../bio/op.ts';
import type { Request } from './request.ts';
import type { RequestQueue } from './request-queue.ts';

const STEP_PREFLUSH = 0;
const STEP_DATA = 1;
const STEP_POSTFLUSH = 2;
const STEP_DONE = 3;

/** A request on its way through flushes, with the flags that it came with. */
interface Sequence<D> {
  readonly request: Request<D>;
  readonly preflush: boolean;
  readonly postflush: boolean;
  step: number;
}

/**
 * Flushes and forced writes (spec N27): a request with PREFLUSH, or with FUA where the device has none, becomes a
 * sequence of flush, data, flush. Sequences that wait for a flush at the same time share one.
 */
export class FlushMachine<D> {
  readonly #queue: RequestQueue<D>;
  readonly #sequences: Sequence<D>[] = [];
  /** Waiting for the flush that is in flight, and for the next one. */
  #running: Sequence<D>[] = [];
  #pending: Sequence<D>[] = [];

  constructor(queue: RequestQueue<D>) {
    this.#queue = queue;
  }

  /** Without a write cache the flags mean nothing, and an empty flush is done at once. */
  endsAtOnce(bio: Bio): boolean {
    if (this.#queue.limits.writeCache || (bio.opf & (REQ_PREFLUSH | REQ_FUA)) === 0) return false;
    bio.opf &= ~(REQ_PREFLUSH | REQ_FUA);
    return bio.bytes === 0;
  }

  /** Takes over a request that needs flushes; false when it can go straight to the device. */
  takes(request: Request<D>): boolean {
    const preflush = (request.opf & REQ_PREFLUSH) !== 0;
    const postflush = (request.opf & REQ_FUA) !== 0 && !this.#queue.limits.fua;
    if (!preflush && !postflush) return false;
    const sequence: Sequence<D> = { request, preflush, postflush, step: preflush ? STEP_PREFLUSH : STEP_DATA };
    request.opf &= ~REQ_PREFLUSH;
    if (postflush) request.opf &= ~REQ_FUA;
    this.#sequences.push(sequence);
    this.#advance(sequence);
    return true;
  }

  isInSequence(request: Request<D>): boolean {
    if (this.#sequences.length === 0) return false;
    return this.#isFlush(request) || this.#sequences.some((s) => s.request === request && s.step < STEP_DONE);
  }

  /** A request of a sequence ended: its data, or the shared flush. */
  step(request: Request<D>): void {
    if (this.#isFlush(request)) {
      this.#flushEnded(request);
      return;
    }
    const sequence = this.#sequences.find((s) => s.request === request)!;
    sequence.step = request.status !== BLK_STS_OK || !sequence.postflush ? STEP_DONE : STEP_POSTFLUSH;
    this.#advance(sequence);
  }

  #isFlush(request: Request<D>): boolean {
    return this.#queue.tagSet.contexts[request.hctx].flushRequest === request;
  }

  #advance(sequence: Sequence<D>): void {
    if (sequence.step === STEP_PREFLUSH || sequence.step === STEP_POSTFLUSH) {
      this.#pending.push(sequence);
      this.#kick();
    } else if (sequence.step === STEP_DATA && sequence.request.bytes > 0) {
      this.#queue.insert(sequence.request);
    } else {
      this.#finish(sequence);
    }
  }

  #finish(sequence: Sequence<D>): void {
    sequence.step = STEP_DONE;
    this.#sequences.splice(this.#sequences.indexOf(sequence), 1);
    const { request } = sequence;
    // Data that went out has already been reported; an empty flush is reported here.
    this.#queue.endSequence(request, request.bytes === 0);
  }

  /** Issues the shared flush when none is in flight; it borrows the tags of the first that waits. */
  #kick(): void {
    if (this.#running.length > 0 || this.#pending.length === 0) return;
    this.#running = this.#pending;
    this.#pending = [];
    const first = this.#running[0].request;
    const flush = this.#queue.tagSet.contexts[first.hctx].flushRequest;
    flush.blank(this.#queue, REQ_OP_FLUSH | REQ_PREFLUSH);
    flush.hctx = first.hctx;
    flush.cpu = first.cpu;
    this.#queue.lendTag(first, flush);
  }

  #flushEnded(flush: Request<D>): void {
    const ended = this.#running;
    this.#running = [];
    this.#queue.returnTag(flush, ended[0].request);
    for (const sequence of ended) {
      if (flush.status !== BLK_STS_OK) sequence.request.status = flush.status;
      const failed = flush.status !== BLK_STS_OK;
      sequence.step = failed || sequence.step === STEP_POSTFLUSH ? STEP_DONE : STEP_DATA;
      this.#advance(sequence);
    }
    this.#kick();
  }
}
