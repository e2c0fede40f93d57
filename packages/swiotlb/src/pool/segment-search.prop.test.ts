import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { SwiotlbPool } from './pool.ts';
import { everyStep, firstFitInSegment } from './segment-search.ts';

/** A segment as runs of free and busy slots, and a second one behind it that is free: no run may go on there. */
const segment = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.boolean()), { minLength: 1, maxLength: 40 })
  .map((runs) => runs.flatMap(([length, busy]) => new Array<boolean>(length).fill(busy)).slice(0, 128));

function poolOf(busy: readonly boolean[]): SwiotlbPool {
  const pool = new SwiotlbPool({ start: 0, slotCount: 256 });
  for (const [slot, isBusy] of busy.entries()) if (isBusy) pool.busy[slot >> 5] |= 1 << (slot & 31);
  return pool;
}

describe('S43d a segment', () => {
  test.prop([segment, fc.nat(127), fc.integer({ min: 1, max: 128 }), fc.nat(5), fc.nat(31)], { numRuns: 500 })(
    'gives the first candidate with a long enough run, as slot by slot',
    (busy, from, need, stepShift, phase) => {
      const pool = poolOf(busy);
      const step = 1 << stepShift;
      let expected = -1;
      for (let slot = 127; slot >= from; slot--) {
        if ((slot - phase) % step === 0 && pool.list(slot) >= need) expected = slot;
      }
      expect(firstFitInSegment(pool, from, need, everyStep(phase, step))).toBe(expected);
    },
  );

  test.prop([segment, fc.array(fc.integer({ min: 1, max: 128 }), { maxLength: 6 })], { numRuns: 200 })(
    'never has a bound below its longest run, whatever was searched for',
    (busy, needs) => {
      const pool = poolOf(busy);
      for (const need of needs) firstFitInSegment(pool, 0, need, -1);
      for (let slot = 0; slot < 128; slot++) expect(pool.runBound[slot & 1]).toBeGreaterThanOrEqual(pool.list(slot));
    },
  );
});
