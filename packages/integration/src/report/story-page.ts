import type { Story, StoryRequest, StoryRun } from '../story/story.ts';
import { type Html, html } from './html.ts';
import { machinesSection } from './machine/machines-section.ts';
import { dataTable, page, plots, type Section } from './page.ts';
import { barChart } from './svg/bar-chart.ts';
import { figure } from './units.ts';

/** A story as a page: what happens, the figures of each setting, and what they show. */
export function storyPage({ title, plot, machine, runs, findings }: Story): string {
  const intro = html`${plot.map((paragraph) => html`<p>${paragraph}</p>`)}`;
  return page(title, intro, [
    { title: 'What the figures show', body: html`<ul>${findings.map((finding) => html`<li>${finding}</li>`)}</ul>` },
    { title: 'What arrived', body: plots([arrivedChart(runs)]) },
    ...runs.map(runSection),
    machinesSection([machine]),
  ]);
}

function arrivedChart(runs: readonly StoryRun[]): Html {
  return barChart({
    title: 'Bytes that arrived.',
    note: 'Each request in each setting, numbered as in the tables.',
    unit: 'bytes',
    groups: runs[0].requests.map((_, i) => ({
      name: `request ${i + 1}`,
      bars: runs.map(({ setting, requests }) => ({ name: setting, value: requests[i].arrivedBytes })),
    })),
  });
}

const COLUMNS = [
  { name: '' },
  { name: 'request', isText: true },
  { name: 'range held', isText: true },
  { name: 'described by', isText: true },
  { name: 'bytes' },
  { name: 'described' },
  { name: 'arrived' },
  { name: 'IOMMU maps' },
  { name: 'unmaps' },
  { name: 'faults' },
  { name: 'status' },
  { name: 'errno' },
];

function runSection({ setting, requests }: StoryRun): Section {
  const lines = requests.flatMap(({ log }) => log);
  const log = lines.length === 0 ? null : html`<p>The kernel’s log:</p><pre>${lines.join('\n')}</pre>`;
  return { title: setting, body: html`${dataTable(COLUMNS, requests.map(cells))}${log}` };
}

function cells(request: StoryRequest, index: number): string[] {
  const { what, heldRange, descriptor, bytes, describedBytes, arrivedBytes } = request;
  return [
    String(index + 1),
    what,
    heldRange === null ? 'none' : `${figure(heldRange.bytes)} bytes at ${heldRange.iova}`,
    descriptor,
    figure(bytes),
    figure(describedBytes),
    figure(arrivedBytes),
    figure(request.iommuMaps),
    figure(request.iommuUnmaps),
    figure(request.iommuFaults),
    request.nvmeStatus,
    String(request.errno),
  ];
}
