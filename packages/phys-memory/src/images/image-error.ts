import { hexRange } from '../memory/memory-range-error.ts';

export type ImageErrorCode =
  | 'ERR_ELF_FORMAT'
  /** The file ends before the bytes of a range. */
  | 'ERR_ELF_TRUNCATED'
  | 'ERR_ELF_RANGE'
  /** The image does not hold the range: not the same as a range of zeros. */
  | 'ERR_IMAGE_ABSENT';

/** An image of memory that is not what it should be, or does not hold what was asked of it. */
export class ImageError extends RangeError {
  readonly code: ImageErrorCode;
  /** First and last byte of the physical range at fault; -1 where the fault is not in a range. */
  readonly start: number;
  readonly end: number;

  constructor(code: ImageErrorCode, problem: string, start = -1, end = -1) {
    super(start < 0 ? problem : `physical range ${hexRange(start, end)} ${problem}`);
    this.name = 'ImageError';
    this.code = code;
    this.start = start;
    this.end = end;
  }
}
