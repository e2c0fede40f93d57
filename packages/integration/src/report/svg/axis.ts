import type { Unit } from '../units.ts';

/** A scale that begins at 0 and ends at a round number. */
export interface Axis {
  readonly end: number;
  readonly ticks: readonly number[];
}

/** Round steps: decimal ones for counts, powers of two for bytes. At most `most` steps. */
export function axisUpTo(highest: number, unit: Unit, most = 4): Axis {
  const step =
    unit === 'bytes' ? powerOfTwoStep(highest / most) : decimalStep(highest / most, unit === 'count' ? 1 : 0);
  const steps = Math.max(1, Math.ceil(highest / step));
  return { end: steps * step, ticks: Array.from({ length: steps + 1 }, (_, i) => i * step) };
}

/** Round values inside a range that begins anywhere. */
export function ticksBetween(start: number, end: number, most = 5): number[] {
  const step = decimalStep((end - start) / most, 0);
  const ticks: number[] = [];
  for (let i = Math.ceil(start / step); i * step <= end; i++) ticks.push(i * step);
  return ticks;
}

function decimalStep(least: number, smallest: number): number {
  if (!(least > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least * 0.999);
  return Math.max(step ?? 10 * power, smallest);
}

function powerOfTwoStep(least: number): number {
  return least > 0 ? 2 ** Math.ceil(Math.log2(least)) : 1;
}
