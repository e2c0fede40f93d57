import { describe, expect, it } from 'vitest';
import { CountTimeline, PeakTimeline, TIMELINE_STRETCHES } from './timeline.ts';

const SPAN = { startMicros: 1000, endMicros: 1000 + 10 * TIMELINE_STRETCHES };

describe('timelines', () => {
  it('keep a peak that is over within one stretch', () => {
    const peaks = new PeakTimeline(SPAN);
    peaks.set(1021, 5);
    peaks.set(1022, 9);
    peaks.set(1023, 2);
    expect(peaks.finish().values.slice(0, 5)).toEqual([0, 0, 9, 2, 2]);
  });

  it('carry a level over stretches in which nothing happens', () => {
    const peaks = new PeakTimeline(SPAN);
    peaks.set(1000, 7);
    const { values, stepMicros } = peaks.finish();
    expect(stepMicros).toBe(10);
    expect(values).toEqual(new Array(TIMELINE_STRETCHES).fill(7));
  });

  it('count the last event in the last stretch, and what another CPU printed late in the first', () => {
    const counts = new CountTimeline(SPAN);
    counts.add(SPAN.endMicros);
    counts.add(999);
    const { values } = counts.finish();
    expect([values[0], values[TIMELINE_STRETCHES - 1]]).toEqual([1, 1]);
  });

  it('take a trace of a single instant', () => {
    const peaks = new PeakTimeline({ startMicros: 5, endMicros: 5 });
    peaks.set(5, 3);
    expect(peaks.finish().values[0]).toBe(3);
  });
});
