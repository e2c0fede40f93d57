const NANOS_PER_SECOND = 1e9;
/** Ticks that the finest level of the wheel covers; each further level is 8 times as coarse (spec I103). */
const LEVEL_TICKS = 63;
const LEVEL_FACTOR = 8;

/** Ticks in a timeout, rounded up (spec I103). */
export function millisToTicks(millis: number, hz: number): number {
  return Math.ceil((millis * hz) / 1000);
}

/**
 * The tick at which a timer armed at tick `now` for `delay` ticks expires (spec I103): the next multiple of the level's
 * granularity **above** now + delay, so never early and up to one granule late.
 */
export function wheelExpiry(now: number, delay: number): number {
  let granule = 1;
  while (delay >= LEVEL_TICKS * granule) granule *= LEVEL_FACTOR;
  return (Math.floor((now + delay) / granule) + 1) * granule;
}

/** When a timer armed at `nowNanos` for `millis` fires, in nanoseconds; ticks lie at whole multiples of 1/hz. */
export function timerDueNanos(nowNanos: number, millis: number, hz: number): number {
  const tickNanos = NANOS_PER_SECOND / hz;
  return wheelExpiry(Math.floor(nowNanos / tickNanos), millisToTicks(millis, hz)) * tickNanos;
}
