import type { Request } from '../queue/request.ts';

/** Consumed places at the front that are tolerated before the rest moves up. */
const SLACK = 1024;

/**
 * Requests in order of arrival. Taking the first is O(1), which `Array.shift` is not for queues of some length; places
 * are used again, as an array whose `length` goes back to 0 grows anew, 16 bytes of garbage a request.
 */
export class RequestFifo<D> {
  readonly #requests: Request<D>[] = [];
  #head = 0;
  #tail = 0;

  get length(): number {
    return this.#tail - this.#head;
  }

  push(request: Request<D>): void {
    this.#requests[this.#tail++] = request;
  }

  /** Puts a request before all others. */
  unshift(request: Request<D>): void {
    if (this.#head > 0) {
      this.#requests[--this.#head] = request;
      return;
    }
    this.#requests.unshift(request);
    this.#tail++;
  }

  /** The nth request, counted from the first. */
  at(n: number): Request<D> {
    return this.#requests[this.#head + n];
  }

  /** Takes the first away; only while there is one. */
  shift(): Request<D> {
    const first = this.#requests[this.#head++];
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
    } else if (this.#head > SLACK) {
      this.#requests.copyWithin(0, this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    return first;
  }
}
