import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { replayTrace } from '@dmalab/integration';
import { readTrace } from '@dmalab/trace';
import { ROOT } from './workspace.ts';

/** Prints the table of docs/agreement.md: every trace of a real kernel that is here, replayed. */
const folder = `${ROOT}packages/integration/fixtures/traces/`;
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.trace.gz'))
  .map((file) => file.slice(0, -'.trace.gz'.length))
  .sort();

console.log('| trace | events | addresses | pages and unmaps | bounced | NVMe commands |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const name of names) console.log(row(name));

function row(name: string): string {
  const trace = readTrace(gunzipSync(readFileSync(`${folder}${name}.trace.gz`)));
  const bootText = readFileSync(`${folder}${name}.boot.txt`, 'utf8');
  const { direct, iova, tables, swiotlb, nvme } = replayTrace(trace, { bootText, nvme: true }).agreement;
  const cells = [share(iova ?? direct), share(tables), share(swiotlb), share(nvme)];
  return `| ${name} | ${trace.counts.events} | ${cells.join(' | ')} |`;
}

function share(part: { readonly compared: number; readonly agree: number } | undefined): string {
  return part === undefined ? '' : `${part.agree} of ${part.compared}`;
}
