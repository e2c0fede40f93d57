import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace, summarise, TraceReader } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { replayTrace } from './replay-trace.ts';
import { TraceReplay } from './trace-replay.ts';

const bytesOf = (name: string) =>
  gunzipSync(readFileSync(new URL(`../../fixtures/traces/${name}.trace.gz`, import.meta.url)));

function inBatches(bytes: Uint8Array, batchEvents: number) {
  const replay = new TraceReplay();
  const reader = new TraceReader({ batchEvents, onBatch: (batch) => replay.take(batch) });
  reader.push(bytes);
  const trace = reader.finish();
  return { replay, report: replay.report(), summary: replay.summary(trace) };
}

describe('a trace that is replayed batch by batch', () => {
  it.each(['direct', 'vtd-lazy', 'vtd-untrusted'])('%s: gives in one batch what it gives at once', (name) => {
    const { report, summary } = inBatches(bytesOf(name), 100_000);
    const whole = readTrace(bytesOf(name));
    expect(report).toEqual(replayTrace(whole));
    expect(summary).toEqual(summarise(whole));
  });

  it('sums up all of it, and says how far the replay went', () => {
    const bytes = bytesOf('vtd-lazy');
    const { report, summary } = inBatches(bytes, 1000);
    const whole = readTrace(bytes);
    expect(summary).toEqual(summarise(whole));
    expect(report.window).toEqual({
      events: 1000,
      lastLine: whole.log.line(999),
      eventsAfter: whole.log.length - 1000,
    });
    expect(report.agreement.iova?.compared).toBeGreaterThan(0);
    expect(report.agreement.iova?.compared).toBeLessThan(846);
  });

  it('D17 compares every direct mapping, and lets dma-debug check all of it', () => {
    const bytes = bytesOf('direct');
    const { report } = inBatches(bytes, 500);
    const whole = replayTrace(readTrace(bytes));
    expect(report.agreement.direct).toEqual(whole.agreement.direct);
    expect(report.dmaDebug.findings).toEqual(whole.dmaDebug.findings);
  });

  it('finds a driver fault that stands after the window, by its line', () => {
    const lines = bytesOf('vtd-lazy').toString().split('\n');
    const at = lines.findLastIndex((line) => line.includes('dma_unmap_phys'));
    const text = lines.toSpliced(at, 1, lines[at].replace(/size=\d+/, 'size=77')).join('\n');
    const { report } = inBatches(Buffer.from(text), 1000);
    expect(report.dmaDebug.findings).toEqual([expect.objectContaining({ kind: 'wrong-size', line: at + 1 })]);
  });

  it('keeps the first of many lines that are no event', () => {
    const odd = 'what is this\n'.repeat(3000);
    const { replay, summary } = inBatches(Buffer.concat([bytesOf('direct'), Buffer.from(odd)]), 500);
    expect(replay.notes).toHaveLength(1000);
    expect(summary.notUnderstood).toBe(3000);
  });

  it('passes over a file’s start that is no trace', () => {
    const odd = Buffer.from('what is this\n'.repeat(1200));
    const { report, summary } = inBatches(Buffer.concat([odd, bytesOf('direct')]), 500);
    expect(summary.notUnderstood).toBe(1200);
    expect(report.window).toMatchObject({ events: 500 });
  });

  it('refuses to report on nothing', () => {
    expect(() => new TraceReplay().report()).toThrow('no event of the trace was taken');
  });
});
