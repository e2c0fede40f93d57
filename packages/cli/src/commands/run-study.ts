import { MACHINES, parseFioJobs, runStudy, type StudyRow } from '@dmalab/integration';
import { readText } from '../input-file.ts';
import { bytes, printJson, table } from '../output.ts';
import { Progress } from '../progress.ts';
import type { StudyFlags } from './study.ts';

const DEFAULT_JOB = `[mixed]
rw=randrw
bssplit=4k/70:64k/20:128k/10
size=32m
io_size=8m
iodepth=16
`;

/** One of each kind: what stands between the disk and memory. */
const DEFAULT_MACHINES = ['x86-direct', 'x86-vtd', 'x86-swiotlb'];

/** Runs the workload on every machine with both interfaces and prints one row for each. */
export async function studyCommand(file: string | undefined, { json }: StudyFlags): Promise<void> {
  const name = file ?? 'the default workload';
  const jobs = parseFioJobs(file === undefined ? DEFAULT_JOB : await readText(file), name);
  const progress = new Progress('study');
  const rows = runStudy(
    jobs,
    DEFAULT_MACHINES.map((name) => MACHINES[name]),
    { onProgress: (share) => progress.show(share) },
  );
  progress.done();
  if (json) printJson({ file: name, jobs: jobs.jobs, withoutEffect: jobs.withoutEffect, rows });
  else printStudy(name, rows);
}

function printStudy(name: string, rows: readonly StudyRow[]): void {
  console.log(
    `${name} on ${new Set(rows.map(({ machine }) => machine)).size} machines, with both mapping interfaces\n`,
  );
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
  console.log('none, and shows as IOMMU maps. page<->phys: conversions between page descriptor and physical address.');
}
