/** A cache that a domain's invalidations have to visit (spec I168). Requests are queued; {@link finish} waits for them. */
export interface CacheTag {
  /** Drops translations of a range, both ends inclusive; `leafOnly` when no table went (spec I166). */
  flushRange(start: number, end: number, leafOnly: boolean): void;
  /** Drops every translation of the domain (spec I107). */
  flushAll(): void;
  /** Does {@link syncMap} do anything? */
  readonly syncsMaps: boolean;
  /** A range became mapped (spec I167). */
  syncMap(start: number, end: number): void;
  /** Returns when the unit has done what was queued. */
  finish(): void;
}
