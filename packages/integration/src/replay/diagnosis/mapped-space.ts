import { GRANULE, type IovaOperation } from '../iova/operation.ts';
import type { SpaceMoment } from './iova-use.ts';
import { PeakTimeline, type Timeline, type TraceSpan } from './timeline.ts';

/** The mapped ranges of one IOVA space, and how scattered they were when there were most. */
export class MappedSpace {
  readonly #timeline: PeakTimeline;
  /** Pages of each range, by first page. */
  readonly #ranges = new Map<number, number>();
  #pages = 0;
  #lowest = Number.POSITIVE_INFINITY;
  #highPages = 0;
  #highAt: IovaOperation | null = null;
  /** The ranges at the highest instant, copied when it has passed: it may last for many steps upward. */
  #highRanges: readonly (readonly [number, number])[] = [];
  #isClimbing = false;

  constructor(span: TraceSpan) {
    this.#timeline = new PeakTimeline(span);
  }

  get lowestPage(): number {
    return this.#lowest === Number.POSITIVE_INFINITY ? 0 : this.#lowest;
  }

  map(operation: IovaOperation): void {
    const { pfn, pages } = operation;
    this.#ranges.set(pfn, pages);
    this.#lowest = Math.min(this.#lowest, pfn);
    this.#pages += pages;
    this.#timeline.set(operation.timeMicros, this.#pages * GRANULE);
    if (this.#pages <= this.#highPages) return;
    this.#highPages = this.#pages;
    this.#highAt = operation;
    this.#isClimbing = true;
  }

  unmap({ pfn, timeMicros }: IovaOperation): void {
    this.#keepHighest();
    this.#pages -= this.#ranges.get(pfn) ?? 0;
    this.#ranges.delete(pfn);
    this.#timeline.set(timeMicros, this.#pages * GRANULE);
  }

  finish(): { readonly highWater: SpaceMoment; readonly mapped: Timeline } {
    this.#keepHighest();
    return { highWater: this.#moment(), mapped: this.#timeline.finish() };
  }

  #keepHighest(): void {
    if (!this.#isClimbing) return;
    this.#isClimbing = false;
    this.#highRanges = [...this.#ranges];
  }

  #moment(): SpaceMoment {
    const ranges = [...this.#highRanges].sort(([a], [b]) => a - b);
    let holes = 0;
    let largestHolePages = 0;
    for (const [i, [pfn]] of ranges.entries()) {
      const gap = i === 0 ? 0 : pfn - ranges[i - 1][0] - ranges[i - 1][1];
      if (gap > 0) holes++;
      largestHolePages = Math.max(largestHolePages, gap);
    }
    const last = ranges.at(-1);
    return {
      line: this.#highAt?.line ?? 0,
      micros: this.#highAt?.timeMicros ?? 0,
      ranges: ranges.length,
      pages: this.#highPages,
      spanPages: last === undefined ? 0 : last[0] + last[1] - ranges[0][0],
      holes,
      largestHolePages,
    };
  }
}
