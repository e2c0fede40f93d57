import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { example, runCaptured } from '../testing/run-captured.ts';
import { streamed } from '../testing/streamed.ts';
import { temporaryFile } from '../testing/temporary-files.ts';

const TRACE = example('linux-7.3-vtd-lazy.trace.gz');
const text = gunzipSync(readFileSync(TRACE)).toString();
const TRACE_BYTES = Buffer.from(text);
const eventLines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('dmalab replay', () => {
  it('counts every event line, understands each, and agrees with each address', async () => {
    const { exitCode, output } = await runCaptured('replay', TRACE, '--json');
    const { trace, agreement } = JSON.parse(output);
    expect(exitCode).toBe(0);
    expect(trace).toMatchObject({ events: eventLines.length, unknown: 0, lostEvents: 0 });
    expect(agreement.iova).toMatchObject({ compared: 846, agree: 846, unexplained: 0 });
  });

  it('prints what the trace holds', async () => {
    const { output } = await runCaptured('replay', TRACE);
    expect(output).toMatch(/^map +2 911$/m);
    expect(output).toMatch(/^0000:00:03\.0 +750 +750 +0 +13\.3 MiB/m);
    expect(output).toContain('lines not understood: none');
    expect(output).toContain('846 of 846 agree with the kernel (100 %)');
  });

  it('names the line, and with --check exits with 1, when an address is not the one that the model hands out', async () => {
    const line = text.split('\n').findIndex((content) => content.includes('iova=0x00000000ffff7000'));
    const edited = text
      .replaceAll('ffff7000 - 0x00000000ffff8000', 'ffff5000 - 0x00000000ffff6000')
      .replaceAll('dma_addr=ffff7000', 'dma_addr=ffff5000');
    const { exitCode, output } = await runCaptured('replay', temporaryFile('edited.trace', edited), '--check');
    expect(exitCode).toBe(1);
    expect(output).toContain(`line ${line + 1}: the kernel took page 0xffff5, the model 0xffff7`);
  });

  it('names a line that it does not understand, and the rest is read', async () => {
    const { output } = await runCaptured('replay', temporaryFile('odd.trace', `${text}what is this\n`));
    expect(output).toContain('lines not understood: 1');
    expect(output).toContain(`line ${text.split('\n').length}, unreadable: what is this`);
  });

  it.each([
    ['a truncated gzip', readFileSync(TRACE).subarray(0, 40_000), /the packed data end too early; copy the file again/],
    ['an empty file', '', /holds no trace event; give it the text of/],
    ['something else', 'hello\n', /holds no trace event/],
  ])('refuses %s in one line with exit code 2', async (_, content, says) => {
    const path = temporaryFile('bad.gz', content);
    const { exitCode, output, complaints } = await runCaptured('replay', path);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(complaints).toMatch(says);
    expect(complaints.startsWith(`dmalab: ${path}: `)).toBe(true);
    expect(complaints.split('\n')).toHaveLength(1);
  });

  it('goes as far as its window, counts the rest, and says so', async () => {
    const { exitCode, output } = await runCaptured('replay', TRACE, '--window', '2000');
    expect(exitCode).toBe(0);
    expect(output).toContain(': 9 377 events in');
    expect(output).toMatch(/^0000:00:03\.0 +750 +750/m);
    expect(output).toMatch(/^replayed: the first 2 000 events, to line 20\d\d; the 7 377 after it were counted/m);
    const whole = await runCaptured('replay', TRACE, '--window', 'all');
    expect(whole.output).not.toContain('replayed:');
    expect(whole.output).toContain('846 of 846 agree');
  });

  it('holds its memory while a trace of 45 MiB streams by', { timeout: 60_000 }, async () => {
    const { peakMib, output } = await streamed(TRACE_BYTES, 38, '--window', '10000');
    expect(output).toContain(': 356 326 events in');
    expect(output).toContain('the 346 326 after it were counted');
    expect(peakMib).toBeGreaterThan(5);
    // Code, a machine and ten thousand events take 35; with the whole trace held it would be 90.
    expect(peakMib).toBeLessThan(60);
  });

  it.each(['0', 'some'])('refuses --window %s in one line', async (window) => {
    const { exitCode, complaints } = await runCaptured('replay', TRACE, '--window', window);
    expect({ exitCode, complaints }).toEqual({
      exitCode: 2,
      complaints: `dmalab: --window ${window}: is no number of events; give a whole number from 1 on, or all`,
    });
  });

  it('says in its help what it reads and gives an example', async () => {
    const { exitCode, output } = await runCaptured('replay', '--help');
    expect(exitCode).toBe(0);
    expect(output).toContain('dmalab replay examples/linux-7.3-vtd-lazy.trace.gz');
  });
});
