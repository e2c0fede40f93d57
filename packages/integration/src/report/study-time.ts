import type { StudyRow } from '../study/study-row.ts';
import type { WorkPart } from '../time/work/work-kinds.ts';
import { dataTable } from './page.ts';

/** The CPU's time for one I/O, a column a part: which part makes a machine slower than another. */
export function timeParts(rows: readonly StudyRow[]) {
  const parts = (Object.keys(rows[0]?.time.cpuNanosPerIoByPart ?? {}) as WorkPart[]).filter((part) =>
    rows.some(({ time }) => time.cpuNanosPerIoByPart[part] > 0),
  );
  const columns = [
    { name: 'machine', isText: true },
    { name: 'interface', isText: true },
    { name: 'IOPS' },
    { name: 'latency, us' },
    { name: 'CPU, ns' },
    ...parts.map((part) => ({ name: part })),
    { name: 'table walks' },
  ];
  const lines = rows.map(({ machine, era, time }) => [
    machine,
    era,
    Math.round(time.iops).toString(),
    (time.meanLatencyNanos / 1000).toFixed(1),
    Math.round(time.cpuNanosPerIo).toString(),
    ...parts.map((part) => time.cpuNanosPerIoByPart[part].toFixed(part === 'conversions' ? 1 : 0)),
    Math.round(time.walkNanosPerIo).toString(),
  ]);
  return dataTable(columns, lines);
}
