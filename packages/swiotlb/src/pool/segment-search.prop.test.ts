import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { SwiotlbPool } from './pool.ts';
import { everyStep, firstFitInSegment } from './segment-search.ts';
import { claimSlots, releaseSlots } from './slot-claim.ts';

/** A segment as runs of free and busy slots, and a second one behind it that is free: no run may go on there. */
const segment = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.boolean()), { minLength: 1, maxLength: 40 })
  .map((runs) => runs.flatMap(([length, busy]) => new Array<boolean>(length).fill(busy)).slice(0, 128));

function poolOf(busy: readonly boolean[]): SwiotlbPool {
  const pool = new SwiotlbPool({ start: 0, slotCount: 256 });
  for (const [slot, isBusy] of busy.entries()) if (isBusy) pool.busy[slot >> 5] |= 1 << (slot & 31);
  return pool;
}

function longest(pool: SwiotlbPool): number {
  return Math.max(...Array.from({ length: 128 }, (_, slot) => pool.list(slot)));
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

  const step = fc.record({
    at: fc.nat(127),
    length: fc.integer({ min: 1, max: 20 }),
    /** How much more is searched for than there is; only a search in vain lowers a bound. */
    excess: fc.integer({ min: -2, max: 2 }),
  });

  test.prop([segment, fc.array(step, { maxLength: 30 })], { numRuns: 300 })(
    'never has a bound below its longest run, whatever was taken, given back and searched for',
    (busy, steps) => {
      const pool = poolOf(busy);
      for (const { at, length, excess } of steps) {
        firstFitInSegment(pool, 0, Math.min(128, Math.max(1, longest(pool) + excess)), -1);
        const free = pool.list(at);
        if (free > 0) claimSlots(pool, at, Math.min(length, free), 1, 0);
        else releaseSlots(pool, at, 1);
        for (let slot = 0; slot < 128; slot++) {
          expect(pool.runBound[slot & 1]).toBeGreaterThanOrEqual(pool.list(slot));
        }
      }
    },
  );
});
