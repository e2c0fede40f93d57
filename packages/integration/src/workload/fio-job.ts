import type { BlockShare, DiskSize } from './fio-values.ts';

/** Which way data goes, and whether offsets follow each other or are drawn. */
export type AccessPattern = 'read' | 'write' | 'rw' | 'randread' | 'randwrite' | 'randrw';

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
}

/** A job file as read: its jobs, and the keys in it that say how fio itself works and mean nothing to a model. */
export interface FioJobFile {
  readonly file: string;
  readonly jobs: readonly FioJob[];
  readonly withoutEffect: readonly { readonly key: string; readonly line: number }[];
}
