import type { MachineDescription } from '../machine/machine-description.ts';
import type { DirectionTimes } from '../time/run/job-times.ts';
import { cpuNanosPerIo, type TimedResult } from '../time/run/timed-run.ts';
import { html } from './html.ts';
import { machinesSection } from './machine/machines-section.ts';
import { cards, dataTable, page, plots } from './page.ts';
import { barChart } from './svg/bar-chart.ts';
import { bytes, figure, percent } from './units.ts';

const NANOS_PER_SECOND = 1e9;
const PERCENTILES = [50, 90, 99, 99.9, 100] as const;

/** A run in virtual time as a page: how fast, how long each I/O took, and where a CPU's time went. */
export function runPage(name: string, result: TimedResult, machine: MachineDescription): string {
  const { done, elapsedNanos, era } = result;
  const ios = done.reads + done.writes;
  const rate = ((done.bytesRead + done.bytesWritten) * NANOS_PER_SECOND) / elapsedNanos;
  const intro = html`<p class="soft">On ${machine.name}, through the ${era}-based mapping interface, in virtual time. Every block that was read is what was written there.</p>
${cards([
  ['I/Os', figure(ios)],
  ['I/Os a second', figure(Math.round((ios * NANOS_PER_SECOND) / elapsedNanos))],
  ['moved a second', bytes(Math.round(rate))],
  ['took', `${(elapsedNanos / 1e6).toFixed(2)} ms`],
  ['link to memory busy', percent(result.parts.linkUp / elapsedNanos)],
])}`;
  return page(`Run of ${name}`, intro, [
    { title: 'Where the time goes', body: plots([partsChart(result), ...latencyCharts(result)]) },
    { title: 'Threads', body: threads(result) },
    machinesSection([machine]),
  ]);
}

function partsChart(result: TimedResult) {
  const bars = cpuNanosPerIo(result).map(([part, nanos]) => ({
    name: part,
    bars: [{ name: '', value: Math.round(nanos) }],
  }));
  return barChart({
    title: 'CPU time per I/O, ns.',
    note: 'Of all CPUs, by what they did.',
    unit: 'count',
    groups: bars,
  });
}

/** Percentiles of the whole latency, reads beside writes. */
function latencyCharts({ threads: all }: TimedResult) {
  return (['reads', 'writes'] as const).flatMap((direction) => {
    const used = all.filter((thread) => thread[direction].ios > 0);
    if (used.length === 0) return [];
    const highest = (percentile: number): number =>
      Math.max(...used.map((thread) => thread[direction].total.percentile(percentile)));
    const groups = PERCENTILES.map((percentile) => ({
      name: percentile === 100 ? 'longest' : `${percentile} %`,
      bars: [{ name: '', value: Math.round(highest(percentile) / 1000) }],
    }));
    return [
      barChart({
        title: `Latency of ${direction}, us.`,
        note: 'That share took no longer; of the slowest thread.',
        unit: 'count',
        groups,
      }),
    ];
  });
}

function threads({ threads: all, jobs, elapsedNanos }: TimedResult) {
  const columns = [
    { name: 'job', isText: true },
    { name: 'depth' },
    ...['reads', 'read latency, us', 'writes', 'write latency, us', 'I/Os a second'].map((name) => ({ name })),
  ];
  const latency = ({ ios, total }: DirectionTimes): string => (ios === 0 ? '' : (total.mean / 1000).toFixed(1));
  const rows = all.map(({ job, depth, reads, writes, endNanos }) => [
    jobs[job],
    String(depth),
    figure(reads.ios),
    latency(reads),
    figure(writes.ios),
    latency(writes),
    figure(Math.round(((reads.ios + writes.ios) * NANOS_PER_SECOND) / Math.max(1, endNanos || elapsedNanos))),
  ]);
  return dataTable(columns, rows);
}
