export type WalkErrorCode =
  /** The register file lacks a field, or one of them is no number. */
  | 'ERR_WALK_REGISTERS'
  /** The list of expected mappings is no list, or an entry of it lacks something. */
  | 'ERR_WALK_EXPECTED'
  /** The dump does not hold a page that a table is in. */
  | 'ERR_WALK_TABLE_ABSENT'
  /** No context entry: the device is behind no table of this unit. */
  | 'ERR_WALK_NO_CONTEXT'
  /** Nested translation: its two stages are not walked. */
  | 'ERR_WALK_NESTED'
  /** A device address that is none. */
  | 'ERR_WALK_DEVICE'
  /** An I/O virtual address that is none. */
  | 'ERR_WALK_IOVA';

/** A walk that can't be made: the input lacks something, which the message names. */
export class WalkError extends Error {
  readonly code: WalkErrorCode;

  constructor(code: WalkErrorCode, message: string) {
    super(message);
    this.name = 'WalkError';
    this.code = code;
  }
}
