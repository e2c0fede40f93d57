import type { Request } from '../queue/request.ts';

/** Consumed places at the front that are tolerated before the rest moves up. */
const SLACK = 1024;

/** Requests in order of arrival. Taking the first is O(1), which `Array.shift` is not for queues of some length. */
export class RequestFifo<D> {
  #requests: Request<D>[] = [];
  #head = 0;

  get length(): number {
    return this.#requests.length - this.#head;
  }

  push(request: Request<D>): void {
    this.#requests.push(request);
  }

  /** Puts a request before all others. */
  unshift(request: Request<D>): void {
    if (this.#head > 0) this.#requests[--this.#head] = request;
    else this.#requests.unshift(request);
  }

  /** The nth request, counted from the first. */
  at(n: number): Request<D> {
    return this.#requests[this.#head + n];
  }

  /** Takes the first away; only while there is one. */
  shift(): Request<D> {
    const first = this.#requests[this.#head++];
    if (this.#head === this.#requests.length) {
      this.#requests.length = 0;
      this.#head = 0;
    } else if (this.#head > SLACK) {
      this.#requests = this.#requests.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}
