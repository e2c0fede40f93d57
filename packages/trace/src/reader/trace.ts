import type { TraceLog } from '../log/trace-log.ts';

/** What the comment lines at the top of a trace say; a figure is -1 where they don't. */
export interface TraceHeader {
  /** All comment lines before the first event, as they stood. */
  readonly lines: string[];
  /** `# tracer: nop`; empty without one. */
  tracer: string;
  /** Events that the file should hold. */
  entriesInBuffer: number;
  /** Events that the kernel recorded; the ring dropped the oldest `entriesWritten - entriesInBuffer`. */
  entriesWritten: number;
  /** `#P:n`: CPUs of the machine. */
  cpus: number;
}

/** A line that is no event. */
export interface TraceNote {
  /** 1-based. */
  readonly line: number;
  /**
   * `lost`: the kernel says that it lost events here. `comment`: a line that starts with `#`, after the first event.
   * `malformed`: the prefix and name of a known event, and a body that is not of its form. `unreadable`: anything else
   * that is not empty. `truncated`: the last line, not understood and without newline: the file was cut.
   */
  readonly kind: 'lost' | 'comment' | 'malformed' | 'unreadable' | 'truncated';
  readonly text: string;
}

/** How many of what a reader saw, from the first byte on. */
export interface TraceCounts {
  lines: number;
  /** Events, those of unknown name among them. */
  events: number;
  /** Events whose name has no format here. */
  unknownEvents: number;
  /** Lines noted as malformed, unreadable or truncated. */
  notUnderstood: number;
  blankLines: number;
  /** `[LOST n EVENTS]` lines. */
  lostMarkers: number;
  /** Sum of their n; a marker without a number adds none. */
  lostEvents: number;
}

/** A trace that was read to its end. */
export interface Trace {
  readonly log: TraceLog;
  readonly header: TraceHeader;
  /** What was no event, in the order of the file. */
  readonly notes: readonly TraceNote[];
  readonly counts: Readonly<TraceCounts>;
  /** Events of unknown name: how many by name. */
  readonly unknownNames: ReadonlyMap<string, number>;
  /** False when the last line has no newline. */
  readonly endsWithNewline: boolean;
}
