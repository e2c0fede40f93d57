import { describe, expect, it } from 'vitest';
import { EXPOSURE_CLASSES_MILLIS } from './exposure.ts';
import { ExposureLog } from './exposure-log.ts';

const SPAN = { startMicros: 0, endMicros: 100_000 };

describe('what devices could still reach', () => {
  it('I225 lasts from the unmap to the invalidation, page by page', () => {
    const log = new ExposureLog(SPAN);
    const first = { pages: [1, 2], line: 10, sinceMicros: 1_000 };
    const second = { pages: [2], line: 20, sinceMicros: 3_000 };
    log.open(first);
    log.open(second);
    log.close(first, 13_000);
    log.close(second, 13_000);
    const exposure = log.finish();
    expect(exposure).toMatchObject({ deferredUnmaps: 2, pages: 2, meanMicros: 11_000, longestMicros: 12_000 });
    expect(exposure.worstPages).toEqual([
      { page: '0x2000', times: 2, totalMicros: 22_000, longestMicros: 12_000, line: 10 },
      { page: '0x1000', times: 1, totalMicros: 12_000, longestMicros: 12_000, line: 10 },
    ]);
    expect(exposure.classes).toEqual(EXPOSURE_CLASSES_MILLIS.map((millis) => (millis === 12 ? 2 : 0)).concat(0));
    expect(Math.max(...exposure.exposedPages.values)).toBe(2);
  });

  it('I225 names a page that was mapped again meanwhile, and not one that was mapped after the invalidation', () => {
    const log = new ExposureLog(SPAN);
    const entry = { pages: [5], line: 10, sinceMicros: 0 };
    log.open(entry);
    log.mapped([5, 6], 11);
    log.close(entry, 12_000);
    log.mapped([5], 12);
    expect(log.finish()).toMatchObject({
      pagesReused: 1,
      firstReused: [{ page: '0x5000', unmapLine: 10, mapLine: 11 }],
    });
  });

  it('I228 adds up the bytes beside buffers that are mapped at once', () => {
    const log = new ExposureLog(SPAN);
    log.beside(4088, 1);
    log.beside(3584, 2);
    log.beside(-4088, 3);
    log.beside(512, 4);
    expect(log.finish()).toMatchObject({ mostBytesBeside: 7672, mostBytesBesideLine: 2 });
  });
});
