import type { QueueOps } from '../queue/queue-ops.ts';
import { Request } from '../queue/request.ts';
import { Sbitmap } from './sbitmap.ts';

/** Kinds of hardware context (spec N28). */
export const HCTX_TYPE_DEFAULT = 0;
export const HCTX_TYPE_READ = 1;
export const HCTX_TYPE_POLL = 2;

/** Hardware contexts by kind; read and poll may be 0, and then default serves (spec N28). */
export interface QueueCounts {
  readonly default: number;
  readonly read: number;
  readonly poll: number;
}

/** One hardware context: its tags, and which request holds each. */
export class HwContext<D> {
  readonly index: number;
  readonly tags: Sbitmap;
  /** Requests by driver tag while in use. */
  readonly inFlight: (Request<D> | null)[];
  /** Request objects by driver tag, for queues without an elevator (spec N2). */
  readonly requests: Request<D>[];
  /** The private object of the flush queue (spec N2). */
  readonly flushRequest: Request<D>;
  /** The driver said "later": retried before anything else. */
  readonly dispatch: Request<D>[] = [];

  constructor(index: number, depth: number, ops: QueueOps<D>, hints: readonly number[]) {
    this.index = index;
    this.tags = new Sbitmap(depth, hints);
    this.inFlight = new Array<Request<D> | null>(depth).fill(null);
    this.requests = Array.from({ length: depth }, () => new Request(ops.initRequest()));
    this.flushRequest = new Request(ops.initRequest());
  }
}

/** The tags that all queues of one device share (spec N21). */
export class TagSet<D> {
  readonly ops: QueueOps<D>;
  readonly depth: number;
  readonly counts: QueueCounts;
  readonly contexts: HwContext<D>[];
  /** Each context serves one processor: completions stay in the interrupt, and can be batched (spec N25). */
  readonly onePerCpu: boolean;

  constructor(ops: QueueOps<D>, depth: number, counts: QueueCounts, cpus: number, hints?: readonly number[]) {
    this.ops = ops;
    this.depth = depth;
    this.counts = counts;
    const total = counts.default + counts.read + counts.poll;
    const start = hints ?? new Array<number>(cpus).fill(0);
    this.contexts = Array.from({ length: total }, (_, i) => new HwContext(i, depth, ops, start));
    this.onePerCpu = total > 1 && counts.default >= cpus;
  }

  /** Which context a request of that kind goes to from that processor (spec N28). */
  contextFor(kind: number, cpu: number): HwContext<D> {
    const { counts, contexts } = this;
    if (contexts.length === 1) return contexts[0];
    if (kind === HCTX_TYPE_POLL && counts.poll > 0) {
      return contexts[counts.default + counts.read + (cpu % counts.poll)];
    }
    if (kind === HCTX_TYPE_READ && counts.read > 0) return contexts[counts.default + (cpu % counts.read)];
    return contexts[cpu % counts.default];
  }
}
