import { expect, it } from 'vitest';
import { millisToTicks, timerDueNanos, wheelExpiry } from './timer-wheel.ts';

it.each([
  // now, delay, expiry
  [0, 3, 4],
  [100, 0, 101],
  [100, 62, 163],
  [100, 63, 168],
  [104, 63, 168],
  [105, 63, 176],
  [100, 503, 608],
  [100, 504, 640],
  [7, 4031, 4096],
  [7, 4032, 4096],
  [100, 4032, 4608],
])('I103 a timer armed at tick %i for %i ticks expires at tick %i', (now, delay, expiry) => {
  expect(wheelExpiry(now, delay)).toBe(expiry);
});

it('I103 rounds a timeout up to ticks', () => {
  expect([millisToTicks(10, 250), millisToTicks(10, 1000), millisToTicks(100, 250), millisToTicks(1, 100)]).toEqual([
    3, 10, 25, 1,
  ]);
});

it('I103 10 ms at 250 Hz fire 12 to 16 ms after arming, at 1000 Hz 10 to 11 ms', () => {
  for (let nanos = 0; nanos < 4e6; nanos += 1e5) {
    const wait250 = timerDueNanos(nanos, 10, 250) - nanos;
    expect(wait250).toBeGreaterThan(12e6);
    expect(wait250).toBeLessThanOrEqual(16e6);
    const wait1000 = timerDueNanos(nanos, 10, 1000) - nanos;
    expect(wait1000).toBeGreaterThan(10e6);
    expect(wait1000).toBeLessThanOrEqual(11e6);
  }
});

it('I31 the depot delay of 100 ms at 250 Hz lasts 100 to 104 ms', () => {
  expect(timerDueNanos(0, 100, 250)).toBe(104e6);
  expect(timerDueNanos(3.9e6, 100, 250)).toBe(104e6);
});
