import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { EventKind, readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { MACHINES } from '../../machine/presets.ts';
import { TimedRun } from '../../time/run/timed-run.ts';
import { readBlkparse } from './blkparse.ts';
import { readBlockEvents } from './block-events.ts';
import type { BlockIos } from './block-ios.ts';
import { planBlockIos, withRoomFor } from './plan-block-ios.ts';

const BLKPARSE = `
  8,0    3        1     0.000000000   697  Q   R 223490 + 8 [fio]
  8,0    3        2     0.000000829   697  G   R 223490 + 8 [fio]
  8,0    3        3     0.000002000   697  D   R 223490 + 8 [fio]
  8,0    3        4     0.001002000   697  D  WS 1000 + 256 [fio]
  8,0    3        5     0.001500000     0  C   R 223490 + 8 [0]
  8,0    1        6     0.002000000   700  D FWFS 2000 + 8 [jbd2/sda1-8]
  8,0    1        7     0.002100000   700  D   D 4096 + 64 [fstrim]
  8,0    1        8     0.002200000   700  D   N [kworker]
 8,16    1        9     0.002300000   700  D   R 64 + 8 [dd]
CPU3 (8,0):
 Reads Queued:           1,        4KiB  Writes Queued:           0,        0KiB
`;

const list = ({ count, isWrite, offsetBytes, lengthBytes, timeNanos }: BlockIos) =>
  Array.from({ length: count }, (_, i) => [isWrite[i], offsetBytes[i], lengthBytes[i], timeNanos[i]]);

describe('the text of blkparse', () => {
  it('gives what was issued to the busiest disk, and counts the rest', () => {
    const ios = readBlkparse(BLKPARSE, 'x');
    expect(ios.device).toBe('8,0');
    expect(list(ios)).toEqual([
      [0, 223490 * 512, 4096, 0],
      [1, 1000 * 512, 131072, 1_000_000],
      [1, 2000 * 512, 4096, 1_998_000],
    ]);
    expect(ios.skipped).toEqual({
      'disk 8,16': 1,
      'events C': 1,
      'events G': 1,
      'events Q': 1,
      'lines that are no event': 2,
      'requests D': 1,
      'requests N': 1,
    });
  });

  it('gives what was queued, where nothing shows what was issued', () => {
    const queuedOnly = BLKPARSE.split('\n')
      .filter((line) => line.includes(' Q '))
      .join('\n');
    expect(list(readBlkparse(queuedOnly, 'x'))).toEqual([[0, 223490 * 512, 4096, 0]]);
  });

  it('that holds nothing to run says so', () => {
    expect(() => readBlkparse('8,0 1 1 0.000000000 1 D N [x]\n', 'my.txt')).toThrow(
      'my.txt: holds no read or write of a disk; give it the text of blkparse, or a trace with block_rq_issue events',
    );
  });
});

describe('a kernel trace as a workload', () => {
  const file = new URL('../../../fixtures/traces/vtd-lazy.trace.gz', import.meta.url);
  const trace = readTrace(gunzipSync(readFileSync(file)));
  const ios = readBlockEvents(trace, 'vtd-lazy.trace.gz');

  it('has each read and write of its disk, in order', () => {
    const { log } = trace;
    const issued = Array.from({ length: log.length }, (_, i) => i).filter(
      (i) => log.kind(i) === EventKind.BLOCK_RQ_ISSUE && /^F?[RW]/.test(log.rwbs(i)) && log.sectors(i) > 0,
    );
    expect(ios.count).toBe(issued.length);
    expect([...ios.offsetBytes]).toEqual(issued.map((i) => log.address(i) * 512));
  });

  const run = (pace: 'trace' | 'depth') => {
    const machine = withRoomFor(MACHINES['x86-vtd'], ios);
    const timed = new TimedRun(machine, planBlockIos(ios, { pace }));
    while (timed.advance(1000));
    return timed.finish();
  };

  it('runs verified on another machine, as fast as it goes', () => {
    const { done, elapsedNanos } = run('depth');
    expect(done.reads + done.writes).toBe(ios.count);
    expect(done.bytesVerified).toBe(done.bytesRead);
    expect(elapsedNanos).toBeLessThan(ios.timeNanos[ios.count - 1]);
  });

  it('runs at the pace of the trace when asked to', () => {
    const { done, elapsedNanos } = run('trace');
    expect(done.reads + done.writes).toBe(ios.count);
    const last = ios.timeNanos[ios.count - 1];
    expect(elapsedNanos).toBeGreaterThanOrEqual(last);
    expect(elapsedNanos).toBeLessThan(last + 10e6);
  });
});

describe('a pause in a trace', () => {
  it('is no reason to give up on what comes after it', () => {
    const at = (seconds: number, sector: number): string => `8,0 1 1 ${seconds}.000000000 1 D R ${sector} + 8 [x]\n`;
    const ios = readBlkparse(at(0, 0) + at(400, 8) + at(400, 64), 'x');
    const timed = new TimedRun(MACHINES['x86-direct'], planBlockIos(ios, { pace: 'trace' }));
    while (timed.advance(1000));
    expect(timed.finish().elapsedNanos).toBeGreaterThan(400e9);
  });
});

describe('a large disk', () => {
  it('is made as large as the trace needs, and costs memory only where it is touched', () => {
    const ios = readBlkparse('8,0 1 1 0.000000000 1 D W 4294967296 + 8 [x]\n', 'x');
    const machine = withRoomFor(MACHINES['x86-direct'], ios);
    expect(machine.diskBytes).toBe(2 ** 41 + 2 ** 20);
    const timed = new TimedRun(machine, planBlockIos(ios, { pace: 'depth', depth: 1 }));
    while (timed.advance(10));
    expect(timed.finish().done.bytesWritten).toBe(4096);
  });
});
