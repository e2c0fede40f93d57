import type { Timeline } from './timeline.ts';

/** Upper ends of the classes that exposures are counted in, in milliseconds; the last class has none. */
export const EXPOSURE_CLASSES_MILLIS = [1, 2, 4, 8, 12, 16, 32] as const;

/** A page that its device could still reach after it was unmapped. Pages are physical page addresses. */
export interface ExposedPage {
  readonly page: string;
  readonly times: number;
  readonly totalMicros: number;
  readonly longestMicros: number;
  /** Line of the unmap that began the longest. */
  readonly line: number;
}

/** A page that was mapped again while a device could still reach it through its old translation. */
export interface ReusedPage {
  readonly page: string;
  readonly unmapLine: number;
  readonly mapLine: number;
}

/**
 * How long devices could reach pages that were no longer theirs (spec I225 to I232). A flush is known to lie in a
 * window; times here are to its end, so they are bounds from above.
 */
export interface Exposure {
  /** Unmaps whose invalidation came later: one-step, in a lazy domain (spec I94). */
  readonly deferredUnmaps: number;
  /** Unmaps that waited for it: all of a strict domain, and the two-step interface always (spec I226, I232). */
  readonly immediateUnmaps: number;
  readonly pages: number;
  readonly meanMicros: number;
  readonly longestMicros: number;
  /** Of the unmaps, by {@link EXPOSURE_CLASSES_MILLIS}; one class more than that. */
  readonly classes: readonly number[];
  /** Most exposed in all first. */
  readonly worstPages: readonly ExposedPage[];
  readonly pagesReused: number;
  readonly firstReused: readonly ReusedPage[];
  /** Pages that are exposed, highest of each stretch. */
  readonly exposedPages: Timeline;
  /** Bytes beside the buffers, in their first and last granules, that devices reach: the most at once (spec I228). */
  readonly mostBytesBeside: number;
  readonly mostBytesBesideLine: number;
}
