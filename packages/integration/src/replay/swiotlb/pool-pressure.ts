import type { Timeline } from '../diagnosis/timeline.ts';

/** Who holds slots: a device, and the task that mapped for it. */
export interface SlotHolder {
  readonly device: string;
  readonly task: string;
  readonly mappings: number;
  readonly slots: number;
}

/** The pool at one instant. */
export interface PoolMoment {
  readonly line: number;
  readonly micros: number;
  readonly usedSlots: number;
  /** Most slots first. */
  readonly holders: readonly SlotHolder[];
}

/** A mapping that found no slots, and the pool as it was then. */
export interface PoolFailure extends PoolMoment {
  readonly device: string;
  readonly task: string;
  readonly bytes: number;
  readonly wantedSlots: number;
  /** Longest run of free slots: if that is enough, alignment or the order of the walk was in the way (spec S45). */
  readonly longestFreeRun: number;
}

/** How a pool fared under a trace's requests. Plain JSON. */
export interface PoolPressure {
  readonly slotCount: number;
  readonly areaCount: number;
  readonly mappings: number;
  readonly failures: number;
  /** {@link MAX_FAILURES} at most. */
  readonly firstFailures: readonly PoolFailure[];
  readonly highWater: PoolMoment;
  /** Mappings that another CPU's area served (spec S40). */
  readonly foreignArea: number;
  readonly longestHeldMicros: number;
  /** Slots in use, highest of each stretch; in all, and by device and task. */
  readonly used: Timeline;
  readonly usedBy: readonly { readonly device: string; readonly task: string; readonly timeline: Timeline }[];
  readonly usedByArea: readonly Timeline[];
}

/** A report describes no more failures than this. */
export const MAX_FAILURES = 20;
