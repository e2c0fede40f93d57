import type { MachineDescription } from '../machine/machine-description.ts';
import { TimedRun } from '../time/run/timed-run.ts';
import type { WorkPart } from '../time/work/work-kinds.ts';
import type { FioJobFile } from '../workload/fio-job.ts';
import { planJobs } from '../workload/workload-plan.ts';

const NANOS_PER_SECOND = 1e9;
const EVENTS_BETWEEN_PROGRESS = 5000;

/** Parts of a CPU's work that are there for the sake of DMA mapping. */
const MAPPING_PARTS = [
  'mapping calls',
  'conversions',
  'IOVA',
  'page tables',
  'invalidation',
  'bouncing',
  'caches',
] as const;

/** How long the workload took in virtual time, by the cost model of docs/cost-model.md. */
export interface StudyTime {
  readonly iops: number;
  /** From a program's call to its answer. */
  readonly meanLatencyNanos: number;
  /** Of all CPUs together. */
  readonly cpuNanosPerIo: number;
  readonly cpuNanosPerIoByPart: Readonly<Record<WorkPart, number>>;
  /** Of it, what mapping and unmapping took, with all that is behind them. */
  readonly mappingNanosPerIo: number;
  /** Requests of the device waiting for the IOMMU's tables. */
  readonly walkNanosPerIo: number;
}

/** Runs the workload in virtual time. */
export function timeWorkload(
  jobs: FioJobFile,
  machine: MachineDescription,
  onProgress: (share: number) => void,
): StudyTime {
  const run = new TimedRun(machine, planJobs(jobs, machine.diskBytes, true));
  while (run.advance(EVENTS_BETWEEN_PROGRESS)) onProgress(run.progress);
  const { done, elapsedNanos, threads, cpuBusyNanos, parts } = run.finish();
  const ios = done.reads + done.writes;
  const byPart = Object.fromEntries(Object.entries(parts.cpu).map(([part, nanos]) => [part, nanos / ios]));
  const latency = threads.reduce((sum, { reads, writes }) => sum + reads.total.total + writes.total.total, 0);
  return {
    iops: (ios * NANOS_PER_SECOND) / elapsedNanos,
    meanLatencyNanos: latency / ios,
    cpuNanosPerIo: cpuBusyNanos.reduce((sum, nanos) => sum + nanos, 0) / ios,
    cpuNanosPerIoByPart: byPart as Record<WorkPart, number>,
    mappingNanosPerIo: MAPPING_PARTS.reduce((sum, part) => sum + parts.cpu[part], 0) / ios,
    walkNanosPerIo: parts.walks / ios,
  };
}
