import { hexRange } from '../memory/memory-range-error.ts';

export type AddressMapErrorCode =
  | 'ERR_RANGE_INVALID'
  | 'ERR_RANGE_OVERLAP'
  | 'ERR_RANGE_UNALIGNED'
  | 'ERR_RANGE_HOLE'
  | 'ERR_IOMEM_SYNTAX';

/** A description of an address space that cannot be one. The message names the range and what would be right. */
export class AddressMapError extends RangeError {
  readonly code: AddressMapErrorCode;
  /** First and last byte of the range at fault; -1 where a line of text gave none. */
  readonly start: number;
  readonly end: number;

  constructor(code: AddressMapErrorCode, start: number, end: number, name: string, problem: string) {
    super(`${start < 0 ? name : `${hexRange(start, end)} : ${name}`}: ${problem}`);
    this.name = 'AddressMapError';
    this.code = code;
    this.start = start;
    this.end = end;
  }
}
