/**
 * A figure that is no time per operation: bytes a mapping, milliseconds of a cold start, collections in a long run. A
 * `*.bench.ts` file exports a list of them as `quantities`. Each is measured in a process of its own, with `gc()` at hand.
 */
export interface Quantity {
  readonly name: string;
  /** "B", "ms", "x one worker". */
  readonly unit: string;
  /** The row of the speed goals that it answers, if any. */
  readonly goal?: number;
  /** The figure must not exceed this. Absent: reported and judged by nobody. */
  readonly atMost?: number;
  /** Or must not fall below this. */
  readonly atLeast?: number;
  readonly measure: () => number | Promise<number>;
}

export interface QuantityFigure {
  readonly name: string;
  readonly unit: string;
  readonly goal: number | null;
  readonly value: number;
  readonly atMost: number | null;
  readonly atLeast: number | null;
  readonly met: boolean;
}

/** Measures one figure. @throws {Error} when it is no number */
export async function measureQuantity(quantity: Quantity): Promise<QuantityFigure> {
  const { name, unit, goal = null, atMost = null, atLeast = null } = quantity;
  const value = await quantity.measure();
  if (!Number.isFinite(value)) throw new Error(`"${name}" measured ${value}`);
  const met = (atMost === null || value <= atMost) && (atLeast === null || value >= atLeast);
  return { name, unit, goal, value, atMost, atLeast, met };
}

/** Bytes of heap and array buffers in use after a collection. Needs `--expose-gc`. */
export function bytesInUse(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  globalThis.gc(); // the first finds dead array buffers, the second has given them back
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
