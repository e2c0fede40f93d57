import { LatencyHistogram } from './latency-histogram.ts';

/** Reads or writes of one job: how many, and how long they took. */
export class DirectionTimes {
  ios = 0;
  bytes = 0;
  /** From the program's call to its return. */
  readonly submission = new LatencyHistogram();
  /** From there to the program having its answer. */
  readonly completion = new LatencyHistogram();
  /** Both. */
  readonly total = new LatencyHistogram();

  add(lengthBytes: number, start: number, submitted: number, end: number): void {
    this.ios++;
    this.bytes += lengthBytes;
    this.submission.add(submitted - start);
    this.completion.add(end - submitted);
    this.total.add(end - start);
  }

  merge(other: DirectionTimes): void {
    this.ios += other.ios;
    this.bytes += other.bytes;
    this.submission.merge(other.submission);
    this.completion.merge(other.completion);
    this.total.merge(other.total);
  }
}

/** One thread of a workload: a copy of a job. */
export class ThreadTimes {
  readonly job: number;
  readonly depth: number;
  readonly reads = new DirectionTimes();
  readonly writes = new DirectionTimes();
  /** Times that it slept until an answer came. */
  switches = 0;
  /** Its last answer, in nanoseconds from the start. */
  endNanos = 0;

  constructor(job: number, depth: number) {
    this.job = job;
    this.depth = depth;
  }
}
