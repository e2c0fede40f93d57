import type { DirectionTimes } from '../time/run/job-times.ts';
import type { LatencyHistogram } from '../time/run/latency-histogram.ts';
import type { TimedResult } from '../time/run/timed-run.ts';
import type { FioJobFile } from '../workload/fio-job.ts';
import { type JobEntry, jobEntries } from './job-entry.ts';

const NANOS_PER_SECOND = 1e9;
const NANOS_PER_MILLI = 1e6;
const SECTOR_BYTES = 512;
/** fio's `percentile_list`, unless told otherwise. */
export const FIO_PERCENTILES = [1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99] as const;
/** Upper ends of fio's classes of latency, in their unit. */
const NANO_CLASSES = [2, 4, 10, 20, 50, 100, 250, 500, 750, 1000] as const;
const MILLI_CLASSES = [...NANO_CLASSES, 2000] as const;
const DEPTH_CLASSES = [1, 2, 4, 8, 16, 32] as const;

export interface FioJsonOptions {
  /** One entry for all threads (`group_reporting`). */
  readonly isGrouped: boolean;
  readonly version: string;
}

/**
 * A result as `fio --output-format=json` has it, so that what reads that can read this. Times are virtual. What a model
 * has no notion of is 0: page faults, short and dropped I/Os, merges, trims. Bandwidth and IOPS are not sampled: least, most
 * and mean are those of the whole run, and the number of samples is 1.
 */
export function fioJson(result: TimedResult, jobs: FioJobFile['jobs'], { isGrouped, version }: FioJsonOptions) {
  return {
    'fio version': `fio-3.38-dmalab-${version}`,
    timestamp: 0,
    timestamp_ms: 0,
    time: 'Thu Jan  1 00:00:00 1970',
    'global options': {},
    jobs: jobEntries(result, isGrouped).map((entry) => jobJson(entry, jobs)),
    disk_util: [diskUtil(result)],
  };
}

function jobJson(entry: JobEntry, jobs: FioJobFile['jobs']) {
  const job = jobs.find(({ name }) => name === entry.name);
  const { reads, writes, runtimeNanos } = entry;
  return {
    jobname: entry.name,
    groupid: 0,
    job_start: 0,
    error: 0,
    eta: 0,
    elapsed: Math.ceil(runtimeNanos / NANOS_PER_SECOND),
    'job options': {
      name: entry.name,
      ...(job !== undefined && { rw: job.pattern, iodepth: String(job.ioDepth), numjobs: String(job.copies) }),
    },
    read: directionJson(reads, runtimeNanos),
    write: directionJson(writes, runtimeNanos),
    trim: directionJson(null, 0),
    sync: { total_ios: 0, lat_ns: momentsJson(null) },
    job_runtime: Math.round((runtimeNanos * entry.threads) / NANOS_PER_MILLI),
    usr_cpu: 100 * entry.userShare,
    sys_cpu: 100 * entry.systemShare,
    ctx: entry.switches,
    majf: 0,
    minf: 0,
    iodepth_level: depthClasses(entry.depth),
    iodepth_submit: { 0: 0, ...classes([4, 8, 16, 32, 64], (size) => (size === 4 ? 100 : 0)), '>=64': 0 },
    iodepth_complete: { 0: 0, ...classes([4, 8, 16, 32, 64], (size) => (size === 4 ? 100 : 0)), '>=64': 0 },
    latency_ns: latencyClasses(entry, NANO_CLASSES, 1, 0),
    latency_us: latencyClasses(entry, NANO_CLASSES, 1000, 1000),
    latency_ms: { ...latencyClasses(entry, MILLI_CLASSES, 1e6, 1e6), '>=2000': 100 * shareOf(entry, 2e9, 1e18) },
    latency_depth: entry.depth,
    latency_target: 0,
    latency_percentile: 100,
    latency_window: 0,
  };
}

/** @param times null: nothing of that kind */
function directionJson(times: DirectionTimes | null, runtimeNanos: number) {
  const ios = times?.ios ?? 0;
  const bytes = times?.bytes ?? 0;
  const seconds = ios === 0 ? 0 : runtimeNanos / NANOS_PER_SECOND;
  const bytesPerSecond = seconds === 0 ? 0 : Math.floor(bytes / seconds);
  const iops = seconds === 0 ? 0 : ios / seconds;
  const kib = Math.floor(bytesPerSecond / 1024);
  const samples = ios === 0 ? 0 : 1;
  return {
    io_bytes: bytes,
    io_kbytes: Math.floor(bytes / 1024),
    bw_bytes: bytesPerSecond,
    bw: kib,
    iops: Number(iops.toFixed(6)),
    runtime: ios === 0 ? 0 : Math.max(1, Math.round(runtimeNanos / NANOS_PER_MILLI)),
    total_ios: ios,
    short_ios: 0,
    drop_ios: 0,
    slat_ns: momentsJson(times?.submission ?? null),
    clat_ns: { ...momentsJson(times?.completion ?? null), ...percentilesJson(times?.completion ?? null) },
    lat_ns: momentsJson(times?.total ?? null),
    ...{ bw_min: kib, bw_max: kib, bw_agg: ios === 0 ? 0 : 100, bw_mean: kib, bw_dev: 0, bw_samples: samples },
    ...{
      iops_min: Math.floor(iops),
      iops_max: Math.floor(iops),
      iops_mean: iops,
      iops_stddev: 0,
      iops_samples: samples,
    },
  };
}

function momentsJson(histogram: LatencyHistogram | null) {
  const { min = 0, max = 0, mean = 0, stddev = 0, count = 0 } = histogram ?? {};
  return { min, max, mean: Number(mean.toFixed(6)), stddev: Number(stddev.toFixed(6)), N: count };
}

/** As fio, none where there was no I/O. */
function percentilesJson(histogram: LatencyHistogram | null) {
  if (histogram === null || histogram.count === 0) return {};
  return {
    percentile: Object.fromEntries(
      FIO_PERCENTILES.map((percent) => [percent.toFixed(6), histogram.percentile(percent)]),
    ),
  };
}

/** Share of the I/Os of an entry whose whole latency lies in (from, to]. */
function shareOf({ reads, writes }: JobEntry, from: number, to: number): number {
  const inside = reads.total.share(from, to) * reads.ios + writes.total.share(from, to) * writes.ios;
  return inside / Math.max(1, reads.ios + writes.ios);
}

/** Percentages by class: above the end before, up to its own. */
function latencyClasses(entry: JobEntry, ends: readonly number[], unit: number, start: number): Record<string, number> {
  return Object.fromEntries(
    ends.map((end, i) => [String(end), 100 * shareOf(entry, i === 0 ? start : ends[i - 1] * unit, end * unit)]),
  );
}

function depthClasses(depth: number): Record<string, number> {
  const reached = DEPTH_CLASSES.findLast((least) => least <= depth) ?? 1;
  return {
    ...classes(DEPTH_CLASSES, (least) => (least === reached && depth < 64 ? 100 : 0)),
    '>=64': depth >= 64 ? 100 : 0,
  };
}

function classes(names: readonly number[], value: (name: number) => number): Record<string, number> {
  return Object.fromEntries(names.map((name) => [String(name), value(name)]));
}

function diskUtil({ done, threads, elapsedNanos }: TimedResult) {
  const ticks = (of: (thread: TimedResult['threads'][number]) => DirectionTimes): number =>
    Math.round(threads.reduce((sum, thread) => sum + of(thread).completion.total, 0) / NANOS_PER_MILLI);
  const [readTicks, writeTicks] = [ticks(({ reads }) => reads), ticks(({ writes }) => writes)];
  return {
    name: 'nvme0n1',
    read_ios: done.reads,
    write_ios: done.writes,
    read_sectors: done.bytesRead / SECTOR_BYTES,
    write_sectors: done.bytesWritten / SECTOR_BYTES,
    read_merges: 0,
    write_merges: 0,
    read_ticks: readTicks,
    write_ticks: writeTicks,
    in_queue: readTicks + writeTicks,
    util: elapsedNanos === 0 ? 0 : 100,
  };
}
