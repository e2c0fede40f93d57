import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';

describe('the event queue', () => {
  it('gives events back in the order of time, with code and operands', () => {
    const queue = new EventQueue();
    queue.push(30, 1, 7, -8);
    queue.push(10, 2);
    expect([queue.length, queue.nextTime]).toEqual([2, 10]);
    expect([queue.pop(), queue.time, queue.code]).toEqual([true, 10, 2]);
    expect([queue.pop(), queue.time, queue.code, queue.first, queue.second]).toEqual([true, 30, 1, 7, -8]);
    expect([queue.pop(), queue.length, queue.nextTime]).toEqual([false, 0, Number.POSITIVE_INFINITY]);
  });

  /** A push of a time, or a pop. */
  const step = fc.option(fc.integer({ min: 0, max: 20 }), { nil: null, freq: 4 });

  test.prop([fc.array(step, { maxLength: 400 })])(
    'is a list sorted by time, ties in the order of insertion, whatever comes between',
    (steps) => {
      const queue = new EventQueue();
      const model: { time: number; id: number }[] = [];
      for (const [id, time] of steps.entries()) {
        if (time !== null) {
          queue.push(time, id);
          model.push({ time, id });
          continue;
        }
        model.sort((a, b) => a.time - b.time || a.id - b.id);
        const expected = model.shift();
        expect(queue.pop()).toBe(expected !== undefined);
        if (expected !== undefined) expect([queue.time, queue.code]).toEqual([expected.time, expected.id]);
      }
      expect(queue.length).toBe(model.length);
    },
  );
});
