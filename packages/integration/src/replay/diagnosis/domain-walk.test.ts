import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import type { IovaOperation } from '../iova/operation.ts';
import { replayIova } from '../iova.ts';
import { DomainWalk } from './domain-walk.ts';

const { log } = readTrace(
  Buffer.from('fio-100 [000] ..... 1.000000: map: IOMMU: iova=0x1000 - 0x2000 paddr=0x5000 size=4096\n'),
);
const [agreement] = replayIova(log).domains;

/** Unmaps of one CPU, ten microseconds apart. */
function unmaps(count: number, cpu: number): IovaOperation[] {
  return Array.from({ length: count }, (_, i) => ({
    kind: 'free',
    event: i,
    line: i + 1,
    cpu,
    timeMicros: 1e6 + i * 10,
    flow: 400,
    pfn: 1000 + i,
    pages: 1,
    device: 'x',
    twoStep: false,
    events: [],
    call: -1,
  }));
}

describe('a ring of the flush queue', () => {
  const lazy = { ...agreement, mode: 'lazy' as const };

  it.each([
    [255, 0, 255],
    [256, 1, 1],
    [511, 2, 1],
  ])('I99, I105 with %i entries has been flushed %i times, %i wait', (entries, forcedFlushes, stillWaiting) => {
    const { flushQueue } = new DomainWalk(log, unmaps(entries, 0), lazy, []).run();
    expect(flushQueue).toMatchObject({ forcedFlushes, stillWaiting, mostWaiting: 255, mostWaitingLine: 255 });
  });

  it('I105 when it is full ends the exposure of what waits, then and not later', () => {
    const { exposure } = new DomainWalk(log, unmaps(256, 3), lazy, []).run();
    expect(exposure.longestMicros).toBe(2_550);
    expect(exposure.classes.slice(0, 2)).toEqual([101, 100]);
  });
});
