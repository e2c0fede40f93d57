import type { Exposure } from './exposure.ts';
import type { Timeline } from './timeline.ts';

/** IOVA space at the instant when most of it was mapped. */
export interface SpaceMoment {
  readonly line: number;
  readonly micros: number;
  readonly ranges: number;
  readonly pages: number;
  /** Pages from the lowest mapped to the highest mapped, both included. */
  readonly spanPages: number;
  /** Gaps between mapped ranges inside the span; those that the rcaches and the flush queue hold look the same. */
  readonly holes: number;
  readonly largestHolePages: number;
}

/** How the flush queue of a lazy domain worked. */
export interface FlushQueueUse {
  /** Flushes by the timer, as inferred, and those that a full ring forced (spec I102, I105). */
  readonly timerFlushes: number;
  readonly forcedFlushes: number;
  readonly rangesQueued: number;
  readonly mostWaiting: number;
  readonly mostWaitingLine: number;
  readonly stillWaiting: number;
  /** Ranges that wait, highest of each stretch. */
  readonly waiting: Timeline;
}

/** What one domain's mappings did to its IOVA space, and what they left open. */
export interface IovaUse {
  readonly devices: readonly string[];
  readonly mode: 'strict' | 'lazy';
  readonly allocations: number;
  readonly fromCaches: number;
  readonly fromTree: number;
  readonly highWater: SpaceMoment;
  /** Lowest page number that was ever handed out: how far down the space was used. */
  readonly lowestPage: number;
  /** Bytes that the domain's page tables map, highest of each stretch. */
  readonly mapped: Timeline;
  /** Null for a strict domain. */
  readonly flushQueue: FlushQueueUse | null;
  readonly exposure: Exposure;
}
