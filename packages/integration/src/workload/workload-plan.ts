import type { FioJob, FioJobFile, JobPace } from './fio-job.ts';
import { JobStream, jobExtent, type WorkloadIo } from './job-stream.ts';

/** Where a thread's I/Os come from, one after the other; false: there are no more. */
export interface IoSource {
  next(io: WorkloadIo): boolean;
}

/** When a thread may issue, in nanoseconds of virtual time. */
export type ThreadPace = Pick<JobPace, 'delayNanos' | 'runtimeNanos' | 'thinkNanos' | 'nanosPerIo'>;

/** Whenever it can. */
export const NO_PACE: ThreadPace = {
  delayNanos: 0,
  runtimeNanos: Number.POSITIVE_INFINITY,
  thinkNanos: 0,
  nanosPerIo: 0,
};

/** One thread of a workload: a copy of a job, or what one CPU of a traced machine did. */
export interface ThreadPlan {
  /** The job that it is a copy of: an index into {@link WorkloadPlan.jobs}. */
  readonly job: number;
  readonly source: IoSource;
  /** I/Os in flight at most. */
  readonly depth: number;
  readonly largestBytes: number;
  /** Bytes that it transfers in all. */
  /** Infinite for one that goes on until its time is over. */
  readonly ioBytes: number;
  /** Threads of the same number run side by side; the next number begins when they are done. */
  readonly group: number;
  readonly pace: ThreadPace;
  /** On a machine that keeps time: completions are looked for, and no interrupt tells of them. */
  readonly isPolled: boolean;
}

/** A workload ready to run on a disk: who does what, and which parts of the disk must hold data first. */
export interface WorkloadPlan {
  /** Names, for results. */
  readonly jobs: readonly string[];
  readonly threads: readonly ThreadPlan[];
  readonly regions: readonly { readonly startBytes: number; readonly sizeBytes: number }[];
}

/**
 * Fits the jobs of a file to a disk.
 * @param isTimed the plan is for a machine that keeps time; otherwise `time_based` jobs do their work once
 * @throws {FioJobError} when one does not fit
 */
export function planJobs({ file, jobs }: FioJobFile, diskBytes: number, isTimed = false): WorkloadPlan {
  const extents = jobs.map((job) => {
    const extent = jobExtent(job, diskBytes, file);
    return isTimed && job.pace.isTimeBased ? { ...extent, ioBytes: Number.POSITIVE_INFINITY } : extent;
  });
  let group = 0;
  const threads = jobs.flatMap((job, i) => {
    if (job.pace.waitsForEarlier) group++;
    return Array.from({ length: job.copies }, (_, copy) => ({
      job: i,
      source: new JobStream(job, extents[i], copy),
      depth: job.ioDepth,
      largestBytes: largestBlock(job),
      ioBytes: extents[i].ioBytes,
      group,
      pace: job.pace,
      isPolled: job.isPolled,
    }));
  });
  return { jobs: jobs.map(({ name }) => name), threads, regions: extents };
}

function largestBlock({ readBlocks, writeBlocks }: FioJob): number {
  return Math.max(...[...readBlocks, ...writeBlocks].map(({ bytes }) => bytes));
}
