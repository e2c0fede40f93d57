import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace, summarise } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { replayTrace } from '../replay/replay-trace.ts';
import type { StudyRow } from '../study/study-row.ts';
import { html } from './html.ts';
import { replayPage } from './replay/replay-page.ts';
import { studyPage } from './study-page.ts';
import { axisUpTo, ticksBetween } from './svg/axis.ts';

const folder = new URL('../../fixtures/traces/', import.meta.url);

function pageOf(name: string, edit = (text: string) => text): string {
  const trace = readTrace(Buffer.from(edit(gunzipSync(readFileSync(new URL(`${name}.trace.gz`, folder))).toString())));
  const bootText = readFileSync(new URL(`${name}.boot.txt`, folder), 'utf8');
  return replayPage({ name, summary: summarise(trace), report: replayTrace(trace, { bootText }) });
}

const titles = (page: string): string[] => [...page.matchAll(/<h2>([^<]*)/g)].map(([, title]) => title);

describe('a page about a trace', () => {
  it.each([
    ['direct', ['Findings', 'Activity', 'Agreement with the kernel']],
    ['swiotlb-force-1024', ['Findings', 'Bounce pool', 'Activity', 'Agreement with the kernel']],
    [
      'vtd-untrusted',
      [
        'Findings: 1',
        'Bounce pool',
        'IOVA space of 0000:01:00.0',
        'Exposure after unmap, 0000:01:00.0',
        'Activity',
        'Agreement with the kernel',
      ],
    ],
  ])('%s has the sections that the trace gives', (name, sections) => {
    expect(titles(pageOf(name))).toEqual(sections);
  });

  it('names the failed mapping by its line, in the findings and in the plot', () => {
    const page = pageOf('vtd-untrusted');
    expect(page).toContain('wanted 60 slots of the bounce pool; 446 were in use, and the longest free run had 56');
    expect(page).toContain('<title>line 11730: 60 slots wanted</title>');
  });

  it('needs nothing from elsewhere and draws no figure that is not a number', () => {
    for (const name of ['vtd-lazy-2cpu', 'bounce-32bit-ide']) {
      const page = pageOf(name);
      expect(page).not.toMatch(/<script|src=|https?:|@import|url\(/);
      expect(page).not.toMatch(/NaN|Infinity|undefined/);
      expect(page.match(/<svg /g)!.length).toBeGreaterThanOrEqual(3);
    }
  });

  it('shows a task’s name as text, whatever it is', () => {
    const page = pageOf('swiotlb-force-1024', (text) => text.replaceAll('kworker/0:0H', '<b>&"x"'));
    expect(page).toContain('&lt;b&gt;&amp;&quot;x&quot;');
    expect(page).not.toContain('<b>&"x"');
  });

  it('lists what differs from the kernel', () => {
    const page = pageOf('direct', (text) =>
      text.replace('dma_addr=25d2000 size=4096 phys_addr=25d2000', 'dma_addr=25d3000 size=4096 phys_addr=25d2000'),
    );
    expect(page).toContain('the kernel has 0x25d3000, the model 0x25d2000');
  });
});

const TIME = { cpuNanosPerIo: 3000, mappingNanosPerIo: 20, cpuNanosPerIoByPart: { IOVA: 20, caches: 0 } };

describe('a page about a study', () => {
  const row = (machine: string, era: 'page' | 'phys', conversionsPerIo: number) =>
    ({ machine, era, conversionsPerIo, conversionsPerIoTraced: 2, maps: 10, unmaps: 10, time: TIME }) as StudyRow;

  it('draws a bar for each machine and interface, and the same figures as a table', () => {
    const numbers = { ios: 5, bytesVerified: 4096, iommuMaps: 0, bouncedBytes: 0, tableWalks: 0 };
    const rows = [row('a', 'page', 3.5), row('a', 'phys', 0), row('b', 'page', 7)].map((r) => ({ ...r, ...numbers }));
    const page = studyPage('job.fio', rows);
    const chart = page.slice(page.indexOf('Conversions per I/O.'), page.indexOf('Conversions per I/O, traced.'));
    expect(
      [...chart.matchAll(/<rect class="bar s(\d)" x="118"[^>]*width="([\d.]+)"/g)].map(([, s, w]) => [s, w]),
    ).toEqual([
      ['0', '123'],
      ['1', '0'],
      ['0', '246'],
    ]);
    expect(page.match(/<td class="">3\.50<\/td>/g)).toHaveLength(1);
  });
});

describe('templates and scales', () => {
  it('escapes text and leaves markup', () => {
    expect(html`<p>${'<&"\'>'}${html`<b>${1}</b>`}${null}</p>`.markup).toBe('<p>&lt;&amp;&quot;&#39;&gt;<b>1</b></p>');
  });

  it.each([
    [165, 'count', [0, 50, 100, 150, 200]],
    [3, 'count', [0, 1, 2, 3]],
    [0, 'count', [0, 1]],
    [5_472_256, 'bytes', [0, 2 ** 21, 2 ** 22, 3 * 2 ** 21]],
    [0.7, 'ratio', [0, 0.2, 0.4, 0.6, 0.8]],
  ] as const)('an axis up to %d %s has round ticks and room for it', (highest, unit, ticks) => {
    const axis = axisUpTo(highest, unit);
    expect(axis.ticks.map((tick) => Number(tick.toFixed(9)))).toEqual(ticks);
    expect(axis.end).toBeGreaterThanOrEqual(highest);
  });

  it('puts round times into a span', () => {
    expect(ticksBetween(7.04, 11.84)).toEqual([8, 9, 10, 11]);
    expect(ticksBetween(5, 5)).toEqual([5]);
  });
});
