import { EXPOSURE_CLASSES_MILLIS, type Exposure } from '../../replay/diagnosis/exposure.ts';
import type { FlushQueueUse, IovaUse } from '../../replay/diagnosis/iova-use.ts';
import { type Html, html } from '../html.ts';
import { cards, dataTable, plots, type Section } from '../page.ts';
import { barChart } from '../svg/bar-chart.ts';
import { lineChart } from '../svg/line-chart.ts';
import { bytes, figure, millis, percent } from '../units.ts';

const PAGE = 4096;
const MOST_PAGES_SHOWN = 10;

/** One domain: its space and flush queue, and what its devices could reach after it was no longer theirs. */
export function iovaSections(use: IovaUse): Section[] {
  const devices = use.devices.join(', ');
  return [
    { title: `IOVA space of ${devices}`, body: spaceBody(use) },
    { title: `Exposure after unmap, ${devices}`, body: exposureBody(use.exposure) },
  ];
}

function spaceBody({ mode, highWater, fromCaches, allocations, lowestPage, mapped, flushQueue }: IovaUse): Html {
  const figures = cards([
    ['mode', mode],
    ['most mapped', bytes(highWater.pages * PAGE)],
    ['in ranges', figure(highWater.ranges)],
    ['spread over', bytes(highWater.spanPages * PAGE)],
    ['holes between', figure(highWater.holes)],
    ['largest hole', bytes(highWater.largestHolePages * PAGE)],
    ['lowest address', `0x${(lowestPage * PAGE).toString(16)}`],
    ['answered by caches', percent(allocations === 0 ? 1 : fromCaches / allocations)],
    ...(flushQueue === null ? [] : queueFigures(flushQueue)),
  ]);
  const space = lineChart({
    title: 'Mapped.',
    note: 'Bytes in the domain’s page tables, the most of each stretch.',
    unit: 'bytes',
    series: [{ name: 'mapped', timeline: mapped }],
  });
  return html`${figures}${plots(flushQueue === null ? [space] : [space, queueChart(flushQueue)])}`;
}

function queueFigures({ timerFlushes, forcedFlushes, mostWaiting }: FlushQueueUse): [string, string][] {
  return [
    ['flushes by timer', figure(timerFlushes)],
    ['flushes by full ring', figure(forcedFlushes)],
    ['most waiting', figure(mostWaiting)],
  ];
}

function queueChart({ waiting }: FlushQueueUse): Html {
  return lineChart({
    title: 'Flush queue.',
    note: 'Ranges that are unmapped and wait for their invalidation.',
    unit: 'count',
    series: [{ name: 'waiting', timeline: waiting }],
  });
}

function exposureBody(exposure: Exposure): Html {
  const { deferredUnmaps, immediateUnmaps, mostBytesBeside } = exposure;
  const beside = html`<p>Beside its buffers, in their first and last pages, the device reached ${bytes(mostBytesBeside)} more at once.</p>`;
  if (deferredUnmaps === 0) {
    return html`<p class="good">Each of ${figure(immediateUnmaps)} unmaps waited for its invalidation: no page was reachable after it.</p>${beside}`;
  }
  const figures = cards([
    ['unmaps that did not wait', figure(deferredUnmaps)],
    ['unmaps that waited', figure(immediateUnmaps)],
    ['pages reachable after', figure(exposure.pages)],
    ['mean', millis(exposure.meanMicros)],
    ['longest', millis(exposure.longestMicros)],
    ['mapped again meanwhile', figure(exposure.pagesReused)],
  ]);
  return html`${figures}${plots([lengthChart(exposure), pagesChart(exposure)])}${worstPages(exposure)}${beside}`;
}

function lengthChart({ classes }: Exposure): Html {
  const names = EXPOSURE_CLASSES_MILLIS.map((millis) => `up to ${millis} ms`);
  const last = `over ${EXPOSURE_CLASSES_MILLIS.at(-1)} ms`;
  return barChart({
    title: 'From unmap to invalidation.',
    note: 'Unmaps by the time that passed, at most.',
    unit: 'count',
    groups: [...names, last].map((name, i) => ({ name, bars: [{ name, value: classes[i] }] })),
  });
}

function pagesChart({ exposedPages }: Exposure): Html {
  return lineChart({
    title: 'Pages reachable though unmapped.',
    note: 'The most of each stretch.',
    unit: 'count',
    series: [{ name: 'pages', timeline: exposedPages }],
  });
}

function worstPages({ worstPages: pages }: Exposure): Html {
  const columns = [
    { name: 'page', isText: true },
    { name: 'times' },
    { name: 'in all' },
    { name: 'longest' },
    { name: 'unmapped at line' },
  ];
  const rows = pages
    .slice(0, MOST_PAGES_SHOWN)
    .map(({ page, times, totalMicros, longestMicros, line }) => [
      page,
      figure(times),
      millis(totalMicros),
      millis(longestMicros),
      figure(line),
    ]);
  return html`<p>Pages exposed longest in all:</p>${dataTable(columns, rows)}`;
}
