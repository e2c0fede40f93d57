import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { replaySwiotlb } from './swiotlb.ts';

const folder = new URL('../../fixtures/traces/', import.meta.url);

function trace(name: string) {
  return readTrace(gunzipSync(readFileSync(new URL(`${name}.trace.gz`, folder)))).log;
}

function bootText(name: string): string {
  return readFileSync(new URL(`${name}.boot.txt`, folder), 'utf8');
}

/** Counted in the traces: `grep -c swiotlb_bounced`. */
const traces = [
  { name: 'swiotlb-force', compared: 2445, failures: 0, start: '0x36800000', slotCount: 32768 },
  { name: 'swiotlb-force-1024', compared: 2491, failures: 0, start: '0x3a600000', slotCount: 1024 },
  { name: 'swforce', compared: 2659, failures: 0, start: '0x36800000', slotCount: 32768 },
  { name: 'bounce-32bit-ide', compared: 864, failures: 0, start: '0x3a500000', slotCount: 512 },
  { name: 'vtd-untrusted', compared: 2617, failures: 1, start: '0x3a500000', slotCount: 512 },
];

describe.each(traces)('$name', ({ name, compared, failures, start, slotCount }) => {
  const exact = { compared, agree: compared, failures, reordered: 0, unexplained: 0, residuals: [] };
  const geometry = { start, slotCount, areaCount: 1 };

  it('S140 agrees address for address with the boot log beside it', () => {
    const agreement = replaySwiotlb(trace(name), { bootText: bootText(name) });
    expect(agreement).toMatchObject({ ...exact, geometry });
    expect(agreement).not.toHaveProperty('firstMismatch');
  });

  it('S130 to S132 agrees without it, from what the trace itself shows', () => {
    const agreement = replaySwiotlb(trace(name));
    expect(agreement).toMatchObject({ ...exact, geometry: { start } });
    expect(agreement?.inferred).toContain(`start ${start}`);
  });
});

it('does not believe the boot log of another pool', () => {
  const agreement = replaySwiotlb(trace('swiotlb-force'), { bootText: bootText('bounce-32bit-ide') });
  expect(agreement).toMatchObject({ compared: 2445, agree: 2445, told: {}, geometry: { start: '0x36800000' } });
});

it('has nothing to say of a trace without bounces', () => {
  expect(replaySwiotlb(trace('direct'))).toBeNull();
});
