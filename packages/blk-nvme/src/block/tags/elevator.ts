import type { QueueOps } from '../queue/queue-ops.ts';
import { Request } from '../queue/request.ts';
import { RequestFifo } from './request-fifo.ts';
import { Sbitmap } from './sbitmap.ts';

/** Requests that the elevator holds at most: 2 * min(depth, 128) (spec N21). */
const DEPTH_BASE_MAX = 128;

/**
 * A single-queue elevator (spec N21): requests take a scheduler tag at submission and a driver tag at dispatch. Order is
 * that of submission.
 * spec gap: Linux's mq-deadline sorts by sector inside batches, which N21 does not describe.
 */
export class Elevator<D> {
  readonly depth: number;
  readonly tags: Sbitmap;
  readonly requests: Request<D>[];
  /** Waiting for dispatch, oldest first. */
  readonly waiting = new RequestFifo<D>();

  constructor(ops: QueueOps<D>, driverDepth: number) {
    this.depth = 2 * Math.min(driverDepth, DEPTH_BASE_MAX);
    this.tags = new Sbitmap(this.depth);
    this.requests = Array.from({ length: this.depth }, () => new Request(ops.initRequest()));
  }
}
