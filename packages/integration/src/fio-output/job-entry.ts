import { DirectionTimes, type ThreadTimes } from '../time/run/job-times.ts';
import type { TimedResult } from '../time/run/timed-run.ts';

/** What one entry of fio's output is about: a copy of a job, or all jobs together. */
export interface JobEntry {
  readonly name: string;
  /** Threads that it sums up. */
  readonly threads: number;
  readonly depth: number;
  readonly reads: DirectionTimes;
  readonly writes: DirectionTimes;
  readonly switches: number;
  readonly runtimeNanos: number;
  /** Shares of the runtime that a CPU spent for it, in the program and in the kernel; 1 is one CPU. */
  readonly userShare: number;
  readonly systemShare: number;
}

/** The entries of a result, in fio's order: one a thread, or a single one with `isGrouped` (`group_reporting`). */
export function jobEntries(result: TimedResult, isGrouped: boolean): JobEntry[] {
  const groups = isGrouped ? [result.threads] : result.threads.map((thread) => [thread]);
  return groups.map((threads) => entryOf(result, threads));
}

/** CPU time is counted for the machine; each entry has the share of its I/Os. */
function entryOf(result: TimedResult, threads: readonly ThreadTimes[]): JobEntry {
  const reads = merged(threads.map((thread) => thread.reads));
  const writes = merged(threads.map((thread) => thread.writes));
  const runtimeNanos = Math.max(1, ...threads.map(({ endNanos }) => endNanos));
  const { cpu } = result.parts;
  const share = (reads.ios + writes.ios) / Math.max(1, result.done.reads + result.done.writes);
  const busy = result.cpuBusyNanos.reduce((sum, nanos) => sum + nanos, 0);
  return {
    name: result.jobs[threads[0].job],
    threads: threads.length,
    depth: threads.reduce((most, { depth }) => Math.max(most, depth), 0),
    reads,
    writes,
    switches: threads.reduce((sum, { switches }) => sum + switches, 0),
    runtimeNanos,
    userShare: (cpu.application * share) / runtimeNanos,
    systemShare: ((busy - cpu.application) * share) / runtimeNanos,
  };
}

function merged(parts: readonly DirectionTimes[]): DirectionTimes {
  if (parts.length === 1) return parts[0];
  const whole = new DirectionTimes();
  for (const part of parts) whole.merge(part);
  return whole;
}
