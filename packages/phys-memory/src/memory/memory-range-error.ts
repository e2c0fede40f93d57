/** An access or a description that does not fit the model's address space. Ends included. */
export class MemoryRangeError extends RangeError {
  readonly code = 'ERR_MEMORY_RANGE';
  readonly start: number;
  readonly end: number;

  constructor(start: number, lengthBytes: number) {
    const end = start + lengthBytes - 1;
    super(`${hexRange(start, end)} is not inside the model's address space, 0 to 2^52 - 1`);
    this.name = 'MemoryRangeError';
    this.start = start;
    this.end = end;
  }
}

/** A range as messages and `/proc/iomem` print it: both ends in hexadecimal, the last byte included. */
export function hexRange(start: number, end: number): string {
  return `${start.toString(16).padStart(8, '0')}-${end.toString(16).padStart(8, '0')}`;
}
