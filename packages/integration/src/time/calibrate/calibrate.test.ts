import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { calibrate } from './calibrate.ts';

const line = (micros: number, flags: string, event: string): string =>
  `    kworker/0:1H-104     [000] ${flags}     ${(micros / 1e6).toFixed(6)}: ${event}\n`;
const map = (n: number): string =>
  `map: IOMMU: iova=0x00000000ff${n}00000 - 0x00000000ff${n}01000 paddr=0x0000000009600000 size=4096`;

/** 25 requests: two pages linked 2 us apart, 40 us with the disk, 7 us to clear and invalidate. */
function requests(): string {
  let text = '';
  for (let n = 0; n < 25; n++) {
    const at = 1000 + n * 1000;
    text += line(at, '.....', map(1)) + line(at + 2, '.....', map(2));
    text += line(at + 10, '.....', `block_rq_issue: 259,0 R 4096 () ${n * 8} + 8 be,0,4 [fio]`);
    const unmap = 'unmap: IOMMU: iova=0x00000000ff100000 - 0x00000000ff101000 size=4096 unmapped_size=4096';
    text += line(at + 30, 'd.h1.', unmap);
    text += line(
      at + 37,
      'd.h1.',
      'nvme_complete_rq: nvme0: disk=nvme0n1, qid=1, cmdid=1, res=0x0, retries=0, flags=0x0, status=0x0',
    );
    text += line(at + 50, 'd.h1.', `block_rq_complete: 259,0 R () ${n * 8} + 8 be,0,4 [0]`);
  }
  return text;
}

describe('calibration from a trace', () => {
  const { figures, costs, resolutionNanos } = calibrate(readTrace(new TextEncoder().encode(requests())).log);
  const figure = (what: string) => figures.find((each) => each.what.startsWith(what));

  it('finds what stands between neighbours of a CPU, and how sure it is', () => {
    expect(resolutionNanos).toBe(1000);
    expect(figure('one IOMMU map')).toMatchObject({ samples: 25, nanos: 2000, medianNanos: 2000, uncertainNanos: 60 });
    expect(costs).toMatchObject({ tableMapNanos: 2000, invalidationNanos: 7000, completeNanos: 13_000 });
  });

  it('takes doorbell and link off what a request was with its disk', () => {
    expect(figure('block_rq_issue')).toMatchObject({ samples: 25, medianNanos: 40_000 });
    expect(costs.mediaReadNanos).toBeLessThan(40_000 - 250 - 578 - 1387 - 260 + 2);
    expect(costs.mediaReadNanos).toBeGreaterThan(37_400);
  });

  it('says nothing of what it has too few samples for', () => {
    const few = calibrate(readTrace(new TextEncoder().encode(requests().split('\n').slice(0, 60).join('\n'))).log);
    expect(few.figures.length).toBeGreaterThan(0);
    expect(few.figures.every(({ nanos }) => nanos === null)).toBe(true);
    expect(few.costs).toEqual({});
  });

  it('counts no neighbours across CPUs, tasks or interrupts', () => {
    const mixed =
      line(1, '.....', map(1)) + line(3, 'd.h1.', map(2)) + line(5, '.....', map(3)).replace('-104', '-105');
    const other = mixed + line(6, '.....', map(4)).replace('[000]', '[001]');
    expect(calibrate(readTrace(new TextEncoder().encode(other)).log).figures).toEqual([]);
  });

  it.each([
    ['direct', ['mapNanos', 'completeNanos', 'mediaReadNanos', 'mediaWriteNanos']],
    ['vtd-strict', ['tableMapNanos', 'invalidationNanos', 'mediaReadNanos', 'mediaWriteNanos']],
  ])('has something to say of a real trace: %s', (name, keys) => {
    const file = new URL(`../../../fixtures/traces/${name}.trace.gz`, import.meta.url);
    const real = calibrate(readTrace(gunzipSync(readFileSync(file))).log);
    for (const key of keys) expect(real.costs).toHaveProperty(key);
    for (const { samples, uncertainNanos, ninetiethNanos } of real.figures) {
      if (samples >= 20) expect(uncertainNanos).toBeLessThan(ninetiethNanos);
    }
  });
});
