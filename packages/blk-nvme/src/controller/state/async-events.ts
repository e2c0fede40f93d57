/** Events waiting for an Asynchronous Event Request at most; further ones of a waiting kind add nothing. */
const PENDING_MAX = 16;

/**
 * Asynchronous events (spec N131, N150): requests that the host left here to be answered, and events that wait for one.
 * An event of a type masks that type until its log page is read.
 */
export class AsyncEvents {
  /** Command ids of held requests, oldest first. */
  readonly requests: Int32Array;
  requestCount = 0;
  /** DW0 of events not yet reported, oldest first. */
  readonly #pending = new Int32Array(PENDING_MAX);
  #pendingCount = 0;
  #maskedTypes = 0;

  constructor(requestLimit: number) {
    this.requests = new Int32Array(requestLimit);
  }

  /** False when the limit of held requests is reached. */
  hold(cid: number): boolean {
    if (this.requestCount === this.requests.length) return false;
    this.requests[this.requestCount++] = cid;
    return true;
  }

  raise(type: number, info: number, logPage: number): void {
    const dw0 = type | (info << 8) | (logPage << 16);
    if (this.#pendingCount === PENDING_MAX || this.#pending.subarray(0, this.#pendingCount).includes(dw0)) return;
    this.#pending[this.#pendingCount++] = dw0;
  }

  /** Place in the queue of an event that may be reported now, or -1. */
  #reportable(): number {
    for (let i = 0; i < this.#pendingCount; i++)
      if ((this.#maskedTypes & (1 << (this.#pending[i] & 7))) === 0) return i;
    return -1;
  }

  /** Some request can be answered. */
  get ready(): boolean {
    return this.requestCount > 0 && this.#pendingCount > 0 && this.#reportable() >= 0;
  }

  /** Takes the event to report, masking its type: its DW0. Call only when `ready`. */
  takeEvent(): number {
    const i = this.#reportable();
    const dw0 = this.#pending[i];
    this.#pending.copyWithin(i, i + 1, this.#pendingCount--);
    this.#maskedTypes |= 1 << (dw0 & 7);
    return dw0;
  }

  /** Takes the oldest held request: its command id. */
  takeRequest(): number {
    const cid = this.requests[0];
    this.requests.copyWithin(0, 1, this.requestCount--);
    return cid;
  }

  /** Removes a held request, for Abort. */
  cancel(cid: number): boolean {
    const i = this.requests.subarray(0, this.requestCount).indexOf(cid);
    if (i < 0) return false;
    this.requests.copyWithin(i, i + 1, this.requestCount--);
    return true;
  }

  unmask(type: number): void {
    this.#maskedTypes &= ~(1 << type);
  }

  clear(): void {
    this.requestCount = 0;
    this.#pendingCount = 0;
    this.#maskedTypes = 0;
  }
}
