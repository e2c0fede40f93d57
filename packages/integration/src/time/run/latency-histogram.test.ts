import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from './latency-histogram.ts';

const of = (values: readonly number[]): LatencyHistogram => {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.add(value);
  return histogram;
};

describe('a latency histogram', () => {
  it('has nothing to say before the first value', () => {
    const { count, min, max, mean, stddev } = new LatencyHistogram();
    expect([count, min, max, mean, stddev, new LatencyHistogram().percentile(99)]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('keeps mean and deviation exactly', () => {
    const histogram = of([10, 20, 60]);
    expect([histogram.min, histogram.max, histogram.mean]).toEqual([10, 60, 30]);
    expect(histogram.stddev).toBeCloseTo(Math.sqrt((400 + 100 + 900) / 2), 9);
  });

  it('says which share lies in a range', () => {
    expect(of([1000, 3000, 3000, 9000]).share(2000, 4000)).toBe(0.5);
  });

  const durations = fc.array(fc.integer({ min: 0, max: 2 ** 34 - 1 }), { minLength: 1, maxLength: 300 });

  test.prop([durations, fc.integer({ min: 1, max: 100 })])('has each percentile to within 1/64', (values, percent) => {
    const sorted = [...values].sort((a, b) => a - b);
    const exact = sorted[Math.ceil((percent / 100) * sorted.length) - 1];
    expect(Math.abs(of(values).percentile(percent) - exact)).toBeLessThanOrEqual(exact / 64 + 1);
  });

  test.prop([durations, durations])('merged is as if one had seen all', (a, b) => {
    const merged = of(a);
    merged.merge(of(b));
    const all = of([...a, ...b]);
    expect([merged.count, merged.min, merged.max, merged.percentile(50)]).toEqual([
      all.count,
      all.min,
      all.max,
      all.percentile(50),
    ]);
    expect(merged.mean).toBeCloseTo(all.mean, 3);
  });
});
