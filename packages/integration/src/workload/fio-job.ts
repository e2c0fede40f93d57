import type { BlockShare, DiskSize } from './fio-values.ts';

/** Which way data goes, and whether offsets follow each other or are drawn. */
export type AccessPattern = 'read' | 'write' | 'rw' | 'randread' | 'randwrite' | 'randrw';

/** When a job does what it does. Without time only its length and the order of the jobs count. */
export interface JobPace {
  /** Times that it does all of it (`loops`). */
  readonly loops: number;
  /** I/Os at most (`number_ios`); infinity: as many as there are. */
  readonly mostIos: number;
  /** Starts when the jobs before it are done (`stonewall`). */
  readonly waitsForEarlier: boolean;
  /** Starts so long after it could (`startdelay`). */
  readonly delayNanos: number;
  /** Issues nothing after so long (`runtime`); infinity: until it is done. */
  readonly runtimeNanos: number;
  /** Goes on until then, beyond its size (`time_based`). */
  readonly isTimeBased: boolean;
  /** From an answer to the next I/O (`thinktime`). */
  readonly thinkNanos: number;
  /** From one I/O to the next at least (`rate_iops`). */
  readonly nanosPerIo: number;
}

/** One `[section]` of a job file, every value settled. */
export interface FioJob {
  readonly name: string;
  /** Line of the section header, for messages about the job as a whole. */
  readonly line: number;
  readonly pattern: AccessPattern;
  /** Block sizes of reads and of writes, each a mix whose shares add up to 100. */
  readonly readBlocks: readonly BlockShare[];
  readonly writeBlocks: readonly BlockShare[];
  /** Region of the disk, starting at `offsetBytes`; null: to the end of the disk. */
  readonly size: DiskSize | null;
  readonly sizeLine: number;
  readonly offsetBytes: number;
  /** Bytes to transfer; null: as many as the region holds. */
  readonly ioSize: DiskSize | null;
  readonly ioDepth: number;
  /** Percentage of reads where the pattern mixes them. */
  readonly readMix: number;
  /** Identical copies of the job, running side by side. */
  readonly copies: number;
  readonly seed: number;
  /** Its copies, and all jobs beside it, are one entry in results (`group_reporting`). */
  readonly isGrouped: boolean;
  /** Looks for its answers instead of waiting for interrupts (`hipri`). */
  readonly isPolled: boolean;
  readonly pace: JobPace;
}

/** A job file as read: its jobs, and the keys in it that say how fio itself works and mean nothing to a model. */
export interface FioJobFile {
  readonly file: string;
  readonly jobs: readonly FioJob[];
  readonly withoutEffect: readonly { readonly key: string; readonly line: number }[];
}
