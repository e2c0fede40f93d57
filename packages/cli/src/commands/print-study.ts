import type { StudyAnswer, StudyRow } from '@dmalab/integration';
import { bytes, table } from '../output.ts';

/** The table, what its columns mean, and the answers. */
export function printStudy(name: string, rows: readonly StudyRow[], answers: readonly StudyAnswer[]): void {
  const machines = new Set(rows.map(({ machine }) => machine)).size;
  console.log(`${name} on ${machines} ${machines === 1 ? 'machine' : 'machines'}, with both mapping interfaces\n`);
  printCosts(rows);
  printBehind(rows.filter(({ era }) => era === 'phys'));
  printTimes(rows);
  for (const { question, answer, figures } of answers) {
    console.log(`\n${question}\n  ${answer}`);
    for (const figure of figures) console.log(`  - ${figure}`);
  }
}

function printCosts(rows: readonly StudyRow[]): void {
  const head = ['machine', 'API', 'I/Os', 'verified', 'maps', 'unmaps', 'IOMMU maps', 'unmaps'];
  head.push('bounced', 'table walks', 'IOTLB hits', 'page<->phys per I/O');
  const lines = rows.map((row) => [
    row.machine,
    row.era,
    row.ios,
    bytes(row.bytesVerified),
    row.maps,
    row.unmaps,
    row.iommuMaps,
    row.iommuUnmaps,
    bytes(row.bouncedBytes),
    row.tableWalks,
    row.iotlbHits,
    row.conversionsPerIo.toFixed(2),
  ]);
  console.log(table(head, lines));
  console.log(
    '\nEvery block that was read is what was written there. maps: calls of the mapping API; a two-step mapping is',
  );
  console.log(
    'none, and shows as IOMMU maps. page<->phys: conversions between page descriptor and physical address.\n',
  );
}

/** Time in the machine's own clock, by the cost model. */
function printTimes(rows: readonly StudyRow[]): void {
  const head = [
    'machine',
    'API',
    'IOPS',
    'latency us',
    'CPU ns per I/O',
    'of it mapping',
    'conversions',
    'table walks ns',
  ];
  const lines = rows.map(({ machine, era, time }) => [
    machine,
    era,
    Math.round(time.iops),
    (time.meanLatencyNanos / 1000).toFixed(1),
    Math.round(time.cpuNanosPerIo),
    Math.round(time.mappingNanosPerIo),
    time.cpuNanosPerIoByPart.conversions.toFixed(1),
    Math.round(time.walkNanosPerIo),
  ]);
  console.log(`\n${table(head, lines)}`);
  console.log(
    '\nTimes are virtual, by docs/cost-model.md. mapping: calls, conversions, IOVA, tables, invalidation, bouncing.',
  );
}

/** What both interfaces have in common: the same requests lead to the same work behind them. */
function printBehind(rows: readonly StudyRow[]): void {
  const head = ['machine', 'unmaps left out', 'two-step requests', 'IOVA ranges', 'table pages', 'invalidations'];
  const lines = rows.map((row) => [
    row.machine,
    row.elidedUnmaps,
    row.twoStepRequests,
    row.iovaRanges,
    row.tablePages,
    row.invalidations,
  ]);
  console.log(table(head, lines));
}
