/** One word of a table, in halves. */
export interface TableWord {
  readonly at: number;
  readonly low: number;
  readonly high: number;
}

/** One access of a device: 512 bytes, inside a page. */
export interface FuzzRequest {
  readonly iova: number;
  readonly isWrite: boolean;
  /** What is peculiar about its way through the tables, where some unit is known to see that otherwise. */
  readonly peculiarity?: 'outside' | 'misplaced block' | 'read-only table';
}

/** Tables, and what a device asks for through them. Words that are not named are zero. */
export interface FuzzCase {
  readonly seed: number;
  readonly words: readonly TableWord[];
  readonly requests: readonly FuzzRequest[];
}
