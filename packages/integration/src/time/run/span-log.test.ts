import { describe, expect, it } from 'vitest';
import { MACHINES } from '../../machine/presets.ts';
import { parseFioJobs } from '../../workload/fio-parser.ts';
import { planJobs } from '../../workload/workload-plan.ts';
import { SpanLog } from './span-log.ts';
import { TimedRun } from './timed-run.ts';

interface Event {
  readonly ph: string;
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
}

const JOB = '[a]\nrw=randrw\nsize=1m\niodepth=8\nnumjobs=2\n';

function recorded() {
  const spans = new SpanLog();
  const run = new TimedRun({ ...MACHINES['x86-direct'], cpus: 2 }, planJobs(parseFioJobs(JOB, 'a.fio'), 2 ** 26));
  run.record(spans);
  while (run.advance(1000));
  let text = '';
  spans.writeChromeTrace((piece) => {
    text += piece;
  });
  return { result: run.finish(), events: JSON.parse(text).traceEvents as Event[] };
}

describe('the timeline of a run', () => {
  const { result, events } = recorded();
  const named = (name: string, ph: string): Event[] => events.filter((event) => event.name === name && event.ph === ph);

  it('has a span for each I/O, and for each part of the disk’s work', () => {
    expect(named('read', 'b')).toHaveLength(result.done.reads);
    expect(named('write', 'e')).toHaveLength(result.done.writes);
    expect(named('media', 'b')).toHaveLength(result.done.reads + result.done.writes);
    expect(named('transfer', 'b')).toHaveLength(result.done.reads + result.done.writes);
  });

  it('shows each CPU busy as long as it was, with one thing at a time', () => {
    for (const [cpu, busy] of result.cpuBusyNanos.entries()) {
      const slices = events.filter(({ ph, tid }) => ph === 'X' && tid === cpu).sort((a, b) => a.ts - b.ts);
      expect(slices.reduce((sum, { dur }) => sum + dur, 0) * 1000).toBeCloseTo(busy, 0);
      for (const [i, { ts, dur }] of slices.entries()) {
        if (i + 1 < slices.length) expect(slices[i + 1].ts).toBeGreaterThanOrEqual(ts + dur - 0.001);
      }
    }
  });

  it('changes no time by being recorded', () => {
    const run = new TimedRun({ ...MACHINES['x86-direct'], cpus: 2 }, planJobs(parseFioJobs(JOB, 'a.fio'), 2 ** 26));
    while (run.advance(1000));
    expect(run.finish()).toEqual(result);
  });
});
