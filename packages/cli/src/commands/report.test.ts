import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type StudyRow, studyPage } from '@dmalab/integration';
import { describe, expect, it } from 'vitest';
import { example, runCaptured } from '../testing/run-captured.ts';
import { CHROMIUM, screenshot } from '../testing/screenshot.ts';
import { temporaryFile } from '../testing/temporary-files.ts';

const TRACE = example('linux-7.3-vtd-lazy.trace.gz');
/** Colour of the first line of a plot, by day and by night. */
const PLOT_COLOURS = [
  [0x0b, 0x62, 0xc4],
  [0x6c, 0xb0, 0xff],
];

async function reportFile(...command: string[]): Promise<string> {
  const path = temporaryFile('report.html', '');
  const { exitCode } = await runCaptured(...command, '--report', path);
  expect(exitCode).toBe(0);
  return path;
}

/** Pixels of a plot's first line between two columns. */
function plotPixels({ width, pixels, channels }: ReturnType<typeof screenshot>, from: number, to: number): number {
  let count = 0;
  for (let at = 0; at < pixels.length; at += channels) {
    const column = (at / channels) % width;
    if (column < from || column >= to) continue;
    if (PLOT_COLOURS.some((colour) => colour.every((value, i) => pixels[at + i] === value))) count++;
  }
  return count;
}

describe('dmalab replay --report', () => {
  it('writes one page that needs nothing else', async () => {
    const page = readFileSync(await reportFile('replay', TRACE), 'utf8');
    expect(page.startsWith('<!doctype html>')).toBe(true);
    expect(page).toContain('<h1>DMA trace linux-7.3-vtd-lazy.trace.gz</h1>');
    expect(page).not.toMatch(/<script|src=|https?:/);
  });

  it.skipIf(CHROMIUM === null)(
    'opens in Chromium without a word on the console, with plots at 1600 and 400 px',
    {
      timeout: 60_000,
    },
    async () => {
      const page = await reportFile('replay', TRACE);
      const wide = screenshot(page, 1600, 1600);
      expect(wide.console).toEqual([]);
      expect(wide.width).toBe(1600);
      expect(plotPixels(wide, 0, 500)).toBeGreaterThan(300);
      expect(plotPixels(wide, 500, 1100)).toBeGreaterThan(300);
      const narrow = screenshot(page, 400, 2400);
      expect(narrow.console).toEqual([]);
      expect(plotPixels(narrow, 0, 400)).toBeGreaterThan(300);
      // Nothing of a plot runs off the edge.
      expect(plotPixels(narrow, 392, 400)).toBe(0);
    },
  );

  it('draws the machine of --as', async () => {
    const page = readFileSync(await reportFile('replay', TRACE, '--as', example('gpu-workstation.yaml')), 'utf8');
    expect(page).toContain('<h2>The machine</h2>');
    expect(page).toContain('memory for peers');
  });

  it('refuses a file that can’t be written in one line with exit code 2', async () => {
    const { exitCode, complaints } = await runCaptured('replay', TRACE, '--report', '/nonexistent/out.html');
    expect(exitCode).toBe(2);
    expect(complaints).toMatch(/^dmalab: \/nonexistent\/out\.html: can't be written .*; name a file in a folder/);
  });
});

const studyRow = (era: StudyRow['era'], conversionsPerIo: number): StudyRow =>
  ({
    ...{ machine: 'x86-direct', era, ios: 64, bytesVerified: 262144, maps: 64, unmaps: 64, iommuMaps: 64 },
    ...{ bouncedBytes: 4096, tableWalks: 8, conversionsPerIo, conversionsPerIoTraced: conversionsPerIo },
    time: { iops: 1e5, meanLatencyNanos: 8e4, cpuNanosPerIo: 3000, mappingNanosPerIo: 20, cpuNanosPerIoByPart: {} },
  }) as StudyRow;

describe('a study’s page', () => {
  it.skipIf(CHROMIUM === null)(
    'opens in Chromium without a word on the console, with bars at both widths',
    {
      timeout: 60_000,
    },
    async () => {
      // The page is a function of the rows: running a whole study would only make the test slow.
      const page = temporaryFile('study.html', studyPage('small.fio', [studyRow('page', 16), studyRow('phys', 0)]));
      for (const [width, height] of [
        [1600, 1200],
        [400, 2400],
      ]) {
        const picture = screenshot(page, width, height);
        expect(picture.console).toEqual([]);
        expect(plotPixels(picture, 0, 400)).toBeGreaterThan(1000);
      }
    },
  );
});

describe('dmalab topology --report', () => {
  it.skipIf(CHROMIUM === null)(
    'opens in Chromium without a word on the console, with the machine drawn at both widths',
    { timeout: 60_000 },
    async () => {
      const page = await reportFile('topology', example('nvme-and-gpu.lspci.txt'));
      for (const [width, height] of [
        [1600, 1200],
        [400, 2400],
      ]) {
        const picture = screenshot(page, width, height);
        expect(picture.console).toEqual([]);
        expect(plotPixels(picture, 0, 400)).toBeGreaterThan(20); // the disk's edge
      }
    },
  );
});

/** Names of the processes of a timeline, in their order. */
function tracksOf(events: readonly { name: string; args?: { name?: string } }[]): (string | undefined)[] {
  return events.filter(({ name }) => name === 'process_name').map(({ args }) => args?.name);
}

describe('dmalab replay --perfetto', () => {
  it('writes each event of the trace as JSON that a timeline viewer opens', async () => {
    const path = temporaryFile('out.json', '');
    await runCaptured('replay', TRACE, '--perfetto', path);
    const { traceEvents } = JSON.parse(readFileSync(path, 'utf8'));
    const { output } = await runCaptured('replay', TRACE, '--json');
    const instants = traceEvents.filter(({ ph }: { ph: string }) => ph === 'i');
    expect(instants).toHaveLength(JSON.parse(output).trace.events);
    expect(tracksOf(traceEvents)).toEqual(['CPUs', 'IOMMU', '0000:00:03.0', 'nvme0 queue 1']);
  });

  it('has a track for the bounce pool, with a counter for each area', async () => {
    const path = temporaryFile('out.json', '');
    const fixtures = new URL('../../../integration/fixtures/traces/', import.meta.url);
    await runCaptured('replay', fileURLToPath(new URL('vtd-untrusted.trace.gz', fixtures)), '--perfetto', path);
    const { traceEvents } = JSON.parse(readFileSync(path, 'utf8'));
    expect(tracksOf(traceEvents)).toContain('SWIOTLB');
    const slots = traceEvents.filter(({ name }: { name: string }) => name === 'slots in use, area 0');
    expect(slots).toHaveLength(160);
    expect(Math.max(...slots.map(({ args }: { args: { value: number } }) => args.value))).toBe(446);
  });
});
