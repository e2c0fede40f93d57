/** Where the kernel would stop with a BUG: the model can't go on as that machine (spec, Notation). */
export class DmaBugError extends Error {
  readonly code = 'ERR_DMA_BUG';
  readonly operands: Readonly<Record<string, unknown>>;

  constructor(message: string, operands: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'DmaBugError';
    this.operands = operands;
  }
}

/** An argument that no kernel could have passed: a negative size, an address past the model's 52 bits. */
export class DmaArgumentError extends RangeError {
  readonly code = 'ERR_DMA_ARGUMENT';
  readonly call: string;
  readonly operands: Readonly<Record<string, unknown>>;

  constructor(call: string, message: string, operands: Readonly<Record<string, unknown>> = {}) {
    super(`${call}: ${message}`);
    this.name = 'DmaArgumentError';
    this.call = call;
    this.operands = operands;
  }
}

/** Thrown for a range that is not one; kept out of line so that hot callers stay small. */
export function rejectRange(call: string, address: number, size: number): never {
  throw new DmaArgumentError(
    call,
    `${address} + ${size} is not a range: both must be whole numbers, from 0 and inside 2^52`,
    { address, size },
  );
}
