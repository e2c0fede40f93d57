import type { DirectionTimes } from './job-times.ts';
import type { LatencyHistogram } from './latency-histogram.ts';
import { cpuNanosPerIo, type TimedResult } from './timed-run.ts';

const NANOS_PER_SECOND = 1e9;

/** A result as plain data: what a run did, how long it took, and where the time went. */
export function timedSummary(result: TimedResult) {
  const { machine, era, jobs, elapsedNanos, done, parts, threads, cpuBusyNanos, interrupts } = result;
  const ios = done.reads + done.writes;
  const seconds = elapsedNanos / NANOS_PER_SECOND;
  return {
    machine,
    api: era,
    ...done,
    elapsedNanos,
    iops: ios / seconds,
    bytesPerSecond: (done.bytesRead + done.bytesWritten) / seconds,
    interrupts,
    cpu: {
      busyNanos: cpuBusyNanos,
      nanosPerIo: cpuBusyNanos.reduce((sum, nanos) => sum + nanos, 0) / ios,
      nanosPerIoByPart: Object.fromEntries(cpuNanosPerIo(result)),
    },
    device: {
      mediaNanosPerIo: parts.media / ios,
      tableWalkNanosPerIo: parts.walks / ios,
      linkUpShare: parts.linkUp / elapsedNanos,
      linkDownShare: parts.linkDown / elapsedNanos,
    },
    threads: threads.map((thread) => ({
      job: jobs[thread.job],
      ioDepth: thread.depth,
      switches: thread.switches,
      endNanos: thread.endNanos,
      reads: directionSummary(thread.reads),
      writes: directionSummary(thread.writes),
    })),
  };
}

function directionSummary({ ios, bytes, submission, completion, total }: DirectionTimes) {
  return {
    ...{ ios, bytes },
    submissionNanos: latencySummary(submission),
    completionNanos: latencySummary(completion),
    totalNanos: latencySummary(total),
  };
}

function latencySummary(histogram: LatencyHistogram) {
  const { min, max, mean, stddev } = histogram;
  const [median, p99, p999] = [50, 99, 99.9].map((percent) => histogram.percentile(percent));
  return { min, max, mean, stddev, median, p99, p999 };
}
