import type { DirectionTimes } from '../time/run/job-times.ts';
import type { LatencyHistogram } from '../time/run/latency-histogram.ts';
import type { TimedResult } from '../time/run/timed-run.ts';
import { FIO_PERCENTILES } from './fio-json.ts';
import { type JobEntry, jobEntries } from './job-entry.ts';

const NANOS_PER_SECOND = 1e9;
const KIB = 1024;
const PERCENTILES_A_LINE = 4;

/** A result as fio prints it, so that people who know fio know where to look. Times are virtual. */
export function fioText(result: TimedResult, isGrouped: boolean): string {
  const entries = jobEntries(result, isGrouped);
  return [...entries.flatMap((entry) => [...entryLines(entry, result), '']), ...groupLines(entries)].join('\n');
}

function entryLines(entry: JobEntry, { machine, era }: TimedResult): string[] {
  const lines = [
    `${entry.name}: (groupid=0, jobs=${entry.threads}): err= 0: virtual time, ${machine}, ${era}-based API`,
  ];
  for (const [label, times] of [
    ['read', entry.reads],
    ['write', entry.writes],
  ] as const) {
    if (times.ios > 0) lines.push(...directionLines(label, times, entry.runtimeNanos));
  }
  const { userShare, systemShare, switches, depth } = entry;
  lines.push(`  cpu          : usr=${percent(userShare)}, sys=${percent(systemShare)}, ctx=${switches}`);
  lines.push(`  IO depth     : ${depth}`);
  return lines;
}

function directionLines(label: string, times: DirectionTimes, runtimeNanos: number): string[] {
  const seconds = runtimeNanos / NANOS_PER_SECOND;
  const rate = bandwidth(times.bytes / seconds);
  return [
    `  ${label}: IOPS=${count(times.ios / seconds)}, BW=${rate}(${binary(times.bytes)}/${duration(runtimeNanos)})`,
    momentsLine('slat', times.submission),
    momentsLine('clat', times.completion),
    momentsLine(' lat', times.total),
    ...percentileLines(times.completion),
  ];
}

function momentsLine(label: string, histogram: LatencyHistogram): string {
  const [unit, nanos] = unitOf(histogram.mean);
  const { min, max, mean, stddev } = histogram;
  const figure = (value: number): string => (value / nanos).toFixed(nanos === 1 ? 0 : 2);
  return `    ${label} (${unit}): min=${figure(min)}, max=${figure(max)}, avg=${figure(mean)}, stdev=${figure(stddev)}`;
}

function percentileLines(histogram: LatencyHistogram): string[] {
  const [unit, nanos] = unitOf(histogram.mean);
  const cells = FIO_PERCENTILES.map((each) => {
    const value = Math.round(histogram.percentile(each) / nanos);
    return `${each.toFixed(2).padStart(5)}th=[${String(value).padStart(5)}]`;
  });
  const lines = [`    clat percentiles (${unit}):`];
  for (let i = 0; i < cells.length; i += PERCENTILES_A_LINE) {
    lines.push(`     | ${cells.slice(i, i + PERCENTILES_A_LINE).join(', ')}`);
  }
  return lines;
}

function groupLines(entries: readonly JobEntry[]): string[] {
  const lines = ['Run status group 0 (all jobs):'];
  for (const [label, of] of [
    ['   READ', (entry: JobEntry) => entry.reads],
    ['  WRITE', (entry: JobEntry) => entry.writes],
  ] as const) {
    const bytes = entries.reduce((sum, entry) => sum + of(entry).bytes, 0);
    if (bytes === 0) continue;
    const runtime = Math.max(...entries.map(({ runtimeNanos }) => runtimeNanos));
    const rate = bandwidth(bytes / (runtime / NANOS_PER_SECOND));
    lines.push(`${label}: bw=${rate.trim()}, io=${binary(bytes)}, run=${duration(runtime)}`);
  }
  return lines;
}

/** fio's unit for a duration of about that size. */
function unitOf(nanos: number): readonly [unit: string, nanos: number] {
  if (nanos < 10_000) return ['nsec', 1];
  return nanos < 10e6 ? ['usec', 1000] : ['msec', 1e6];
}

function duration(nanos: number): string {
  const [unit, size] = unitOf(nanos);
  return `${Math.round(nanos / size)}${unit}`;
}

/** fio shortens counts to base 1000. */
function count(value: number): string {
  if (value < 10_000) return String(Math.round(value));
  return value < 1e6 ? `${(value / 1000).toFixed(1)}k` : `${(value / 1e6).toFixed(2)}M`;
}

/** As fio: to base 1024, and to base 1000 in brackets. */
function bandwidth(bytesPerSecond: number): string {
  return `${binary(bytesPerSecond)}/s (${(bytesPerSecond / 1e6).toPrecision(4).replace(/\.0+$/, '')}MB/s) `;
}

function binary(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; bytes >= KIB && unit < units.length - 1; unit++) bytes /= KIB;
  return `${Number(bytes.toPrecision(4))}${units[unit]}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)}%`;
}
