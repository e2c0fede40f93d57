/** A ring of a size that can't be made. */
export class RingSizeError extends RangeError {
  readonly code = 'ERR_TRACE_RING_SIZE';
  readonly capacity: number;

  constructor(capacity: number, most: number) {
    super(`a trace ring can't hold ${capacity} events: the number must be a power of two from 1 to ${most}`);
    this.name = 'RingSizeError';
    this.capacity = capacity;
  }
}
