import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { readBounceHistory } from './history-reader.ts';
import { pressureElsewhere, tracedPressure } from './pool-run.ts';

const START = 0x1000_0000;
const DEVICE = '0000:00:03.0';

/** Lines of one task, a millisecond apart. */
function historyOf(...events: string[]) {
  const lines = events.map((event, i) => `fio-100 [000] ..... 1.${String(i).padStart(3, '0')}000: ${event}\n`);
  const { log } = readTrace(Buffer.from(lines.join('')));
  return { log, history: readBounceHistory(log) };
}

const bounced = (orig: string): string =>
  `swiotlb_bounced: dev_name: ${DEVICE} dma_mask=ffffffffffffffff dev_addr=${orig} size=4096 FORCE`;
const mapped = (orig: string, address: string): string =>
  `dma_map_phys: ${DEVICE} dir=TO_DEVICE dma_addr=${address} size=4096 phys_addr=${orig} attrs=`;
const unmapped = (address: string): string =>
  `dma_unmap_phys: ${DEVICE} dir=TO_DEVICE dma_addr=${address} size=4096 attrs=`;

const FAILED = 'ffffffffffffffff';
const setting = {
  pool: { start: START, slotCount: 128 },
  masks: new Map([[DEVICE, { minAlignMask: 4095, segBoundaryMask: 0xffff_ffff }]]),
};

describe('a mapping that the kernel failed', () => {
  const { log, history } = historyOf(
    bounced('5000'),
    mapped('5000', FAILED),
    bounced('7000'),
    mapped('7000', '10000000'),
    bounced('5000'),
    mapped('5000', '10001000'),
    unmapped('10000000'),
    unmapped('10001000'),
  );

  it('takes no slot of the traced pool, though ours had some', () => {
    const { failures, firstFailures, highWater } = tracedPressure(log, history, setting);
    expect(failures).toBe(1);
    expect(firstFailures[0]).toMatchObject({ line: 1, usedSlots: 0, wantedSlots: 2, longestFreeRun: 128 });
    expect(highWater).toMatchObject({ line: 5, usedSlots: 4 });
  });

  it('is held by a pool that takes it until its caller tries again', () => {
    const { failures, highWater, used } = pressureElsewhere(log, history, setting);
    expect(failures).toBe(0);
    expect(highWater).toMatchObject({ line: 3, usedSlots: 4 });
    expect(used.values.at(-1)).toBeLessThanOrEqual(2);
  });
});
