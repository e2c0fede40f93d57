import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { disagreements, replayTrace } from './replay-trace.ts';

const folder = new URL('../../fixtures/traces/', import.meta.url);
const text = (file: string): string => readFileSync(new URL(file, folder)).toString();
const traceText = (name: string): string => gunzipSync(readFileSync(new URL(`${name}.trace.gz`, folder))).toString();
const replay = (trace: string, bootText?: string) =>
  replayTrace(readTrace(Buffer.from(trace)), bootText === undefined ? {} : { bootText });

/** Comparisons that each trace of a real kernel gives: by part, all of them agreeing. */
const COMPARED: Readonly<Record<string, Record<string, number>>> = {
  'amd-strict': { iova: 846, tables: 6583 },
  'bounce-32bit-ide': { swiotlb: 864 },
  direct: { direct: 2778 },
  lazy: { iova: 846, tables: 6583 },
  strict: { iova: 846, tables: 6583 },
  swforce: { swiotlb: 2659 },
  'swiotlb-force': { swiotlb: 2445 },
  'swiotlb-force-1024': { swiotlb: 2491 },
  'vtd-lazy': { iova: 846, tables: 6583 },
  'vtd-lazy-2cpu': { iova: 848, tables: 6603 },
  'vtd-passthrough': { direct: 2406 },
  'vtd-strict': { iova: 846, tables: 6583 },
  'vtd-untrusted': { iova: 1950, swiotlb: 2617, tables: 8554 },
};

describe('the model against traces of real kernels', () => {
  it('covers every trace that is here', () => {
    const names = readdirSync(folder).filter((file) => file.endsWith('.trace.gz'));
    expect(names.map((file) => file.slice(0, -'.trace.gz'.length)).sort()).toEqual(Object.keys(COMPARED).sort());
  });

  it.each(Object.entries(COMPARED))('%s: every address, page and unmap is the kernel’s', (name, compared) => {
    const { agreement, dmaDebug } = replay(traceText(name), text(`${name}.boot.txt`));
    const counts = Object.entries(agreement).map(([part, { compared: count }]) => [part, count]);
    expect(Object.fromEntries(counts)).toEqual(compared);
    expect(disagreements(agreement)).toBe(0);
    expect(dmaDebug.findings).toEqual([]);
  });

  it('names the line of a direct mapping that goes elsewhere', () => {
    const edited = traceText('direct').replace(
      'dma_addr=25d2000 size=4096 phys_addr=25d2000',
      'dma_addr=25d3000 size=4096 phys_addr=25d2000',
    );
    const { agreement } = replay(edited);
    expect(agreement.direct).toMatchObject({ compared: 2778, agree: 2777 });
    expect(agreement.direct?.residuals[0]).toMatchObject({ phys: '0x25d2000', kernel: '0x25d3000', ours: '0x25d2000' });
  });

  it('names the line of an unmap that cleared less than ours', () => {
    const line = traceText('strict')
      .split('\n')
      .findIndex((content) => content.includes('unmapped_size=131072'));
    const { agreement } = replay(traceText('strict').replace('unmapped_size=131072', 'unmapped_size=4096'));
    expect(agreement.tables?.residuals).toEqual([{ line: line + 1, what: 'unmap', kernel: '4096', ours: '131072' }]);
  });
});
