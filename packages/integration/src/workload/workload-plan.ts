import type { FioJob, FioJobFile } from './fio-job.ts';
import { JobStream, jobExtent, type WorkloadIo } from './job-stream.ts';

/** Where a thread's I/Os come from, one after the other; false: there are no more. */
export interface IoSource {
  next(io: WorkloadIo): boolean;
}

/** One thread of a workload: a copy of a job, or what one CPU of a traced machine did. */
export interface ThreadPlan {
  /** The job that it is a copy of: an index into {@link WorkloadPlan.jobs}. */
  readonly job: number;
  readonly source: IoSource;
  /** I/Os in flight at most. */
  readonly depth: number;
  readonly largestBytes: number;
  /** Bytes that it transfers in all. */
  readonly ioBytes: number;
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
 * @throws {FioJobError} when one does not fit
 */
export function planJobs({ file, jobs }: FioJobFile, diskBytes: number): WorkloadPlan {
  const extents = jobs.map((job) => jobExtent(job, diskBytes, file));
  const threads = jobs.flatMap((job, i) =>
    Array.from({ length: job.copies }, (_, copy) => ({
      job: i,
      source: new JobStream(job, extents[i], copy),
      depth: job.ioDepth,
      largestBytes: largestBlock(job),
      ioBytes: extents[i].ioBytes,
    })),
  );
  return { jobs: jobs.map(({ name }) => name), threads, regions: extents };
}

function largestBlock({ readBlocks, writeBlocks }: FioJob): number {
  return Math.max(...[...readBlocks, ...writeBlocks].map(({ bytes }) => bytes));
}
