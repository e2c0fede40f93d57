import type { MachineDescription } from '../machine/machine-description.ts';
import type { StudyRow } from '../study/study-row.ts';
import { html } from './html.ts';
import { machinesSection } from './machine/machines-section.ts';
import { dataTable, page, plots } from './page.ts';
import { timeParts } from './study-time.ts';
import { type BarChart, barChart } from './svg/bar-chart.ts';
import { inUnit, type Unit } from './units.ts';

interface Measure {
  readonly title: string;
  readonly note: string;
  readonly unit: Unit;
  readonly value: (row: StudyRow) => number;
}

/** What is drawn of each row, in the order of the page. */
const MEASURES: readonly Measure[] = [
  {
    title: 'Conversions per I/O.',
    note: 'Between page descriptor and physical address, each way counted.',
    unit: 'ratio',
    value: ({ conversionsPerIo }) => conversionsPerIo,
  },
  {
    title: 'Conversions per I/O, traced.',
    note: 'The same with trace points on.',
    unit: 'ratio',
    value: ({ conversionsPerIoTraced }) => conversionsPerIoTraced,
  },
  {
    title: 'Map calls.',
    note: 'Of the mapping interface; a two-step mapping is none and shows as IOMMU maps.',
    unit: 'count',
    value: ({ maps }) => maps,
  },
  { title: 'Unmap calls.', note: 'Of the mapping interface.', unit: 'count', value: ({ unmaps }) => unmaps },
  {
    title: 'IOMMU maps.',
    note: 'Ranges that went into the page tables.',
    unit: 'count',
    value: ({ iommuMaps }) => iommuMaps,
  },
  {
    title: 'Bounced.',
    note: 'Bytes copied through bounce buffers.',
    unit: 'bytes',
    value: ({ bouncedBytes }) => bouncedBytes,
  },
  {
    title: 'Table walks.',
    note: 'Requests of the device for which the IOMMU read its tables.',
    unit: 'count',
    value: ({ tableWalks }) => tableWalks,
  },
  {
    title: 'CPU time per I/O, us.',
    note: 'In virtual time, by the cost model; its parts are below.',
    unit: 'ratio',
    value: ({ time }) => time.cpuNanosPerIo / 1000,
  },
  {
    title: 'Mapping per I/O, us.',
    note: 'Of it, mapping and unmapping with all that is behind them.',
    unit: 'ratio',
    value: ({ time }) => time.mappingNanosPerIo / 1000,
  },
];

/** A study as a page: one bar chart for each measure, machines in groups, a bar for each mapping interface; then the table, and the machines. */
export function studyPage(name: string, rows: readonly StudyRow[], drawn: readonly MachineDescription[] = []): string {
  const machines = [...new Set(rows.map(({ machine }) => machine))];
  const chart = ({ value, ...labels }: Measure): BarChart => ({
    ...labels,
    groups: machines.map((machine) => ({
      name: machine,
      bars: rows.filter((row) => row.machine === machine).map((row) => ({ name: row.era, value: value(row) })),
    })),
  });
  const intro = html`<p class="soft">The same workload on ${machines.length} machines, through each mapping interface. Every block that was read is what was written there.</p>`;
  return page(`DMA study of ${name}`, intro, [
    { title: 'Machines compared', body: plots(MEASURES.map((measure) => barChart(chart(measure)))) },
    { title: 'Figures', body: figures(rows) },
    { title: 'Time for one I/O, in ns of a CPU', body: timeParts(rows) },
    ...(drawn.length === 0 ? [] : [machinesSection(drawn)]),
  ]);
}

function figures(rows: readonly StudyRow[]) {
  const columns = [
    { name: 'machine', isText: true },
    { name: 'interface', isText: true },
    { name: 'I/Os' },
    { name: 'verified' },
    ...MEASURES.map(({ title }) => ({ name: title.replace(/\.$/, '') })),
  ];
  const lines = rows.map((row) => [
    row.machine,
    row.era,
    inUnit(row.ios, 'count'),
    inUnit(row.bytesVerified, 'bytes'),
    ...MEASURES.map(({ unit, value }) => inUnit(value(row), unit)),
  ]);
  return dataTable(columns, lines);
}
