import type { PoolPressure } from '../../replay/swiotlb/pool-pressure.ts';
import { html } from '../html.ts';
import { cards, dataTable, plots, type Section } from '../page.ts';
import { lineChart } from '../svg/line-chart.ts';
import { figure, millis, percent } from '../units.ts';

/** How full the bounce pool was, and who held it. */
export function swiotlbSection(pressure: PoolPressure): Section {
  const { slotCount, areaCount, mappings, failures, highWater, longestHeldMicros, foreignArea } = pressure;
  const figures = cards([
    ['slots', figure(slotCount)],
    ['areas', figure(areaCount)],
    ['most in use', `${figure(highWater.usedSlots)} (${percent(highWater.usedSlots / slotCount)})`],
    ['bounced mappings', figure(mappings)],
    ['found no slots', figure(failures)],
    ['served by another area', figure(foreignArea)],
    ['longest held', millis(longestHeldMicros)],
  ]);
  const columns = [
    { name: 'device', isText: true },
    { name: 'mapped by task', isText: true },
    { name: 'slots' },
    { name: 'mappings' },
  ];
  const holders = highWater.holders.map(({ device, task, slots, mappings: count }) => [
    device,
    task,
    figure(slots),
    figure(count),
  ]);
  const charts = [usedChart(pressure), holdersChart(pressure), ...(areaCount > 1 ? [areasChart(pressure)] : [])];
  return {
    title: 'Bounce pool',
    body: html`${figures}${plots(charts)}
<p>Held at the fullest moment, line ${figure(highWater.line)}:</p>${dataTable(columns, holders)}`,
  };
}

function usedChart({ used, slotCount, failures, firstFailures }: PoolPressure) {
  return lineChart({
    title: 'Slots in use.',
    note: `The most of each stretch; the pool has ${figure(slotCount)}.${failures > 0 ? ' Upright lines: a mapping found no slots.' : ''}`,
    unit: 'count',
    series: [{ name: 'slots in use', timeline: used }],
    // Far below a large pool's size the line would be flat: then the scale is the usage's own.
    ...(Math.max(...used.values) * 5 > slotCount && { limit: { value: slotCount, name: `${slotCount} slots` } }),
    marks: firstFailures.map(({ micros, line, wantedSlots }) => ({
      micros,
      name: `line ${line}: ${wantedSlots} slots wanted`,
    })),
  });
}

function areasChart({ usedByArea }: PoolPressure) {
  return lineChart({
    title: 'Slots in use by area.',
    note: 'A CPU begins in the area of its number.',
    unit: 'count',
    series: usedByArea.map((timeline, area) => ({ name: `area ${area}`, timeline })),
  });
}

function holdersChart({ usedBy }: PoolPressure) {
  return lineChart({
    title: 'Who holds them.',
    note: 'Device, and the task that mapped.',
    unit: 'count',
    series: usedBy.map(({ device, task, timeline }) => ({ name: `${device} ${task}`, timeline })),
  });
}
