import type { Request } from './request.ts';

/** What a driver gives the block layer (spec N75). */
export interface QueueOps<D> {
  /** The driver's part of a new request object. */
  initRequest(): D;
  /** Takes a request: BLK_STS_OK, RESOURCE to be asked again, or what it failed with. `last`: no more follow at once. */
  queueRq(request: Request<D>, last: boolean): number;
  /** More was announced than came: tell the device of what it has. */
  commitRqs(hctx: number): void;
  /** Looks for completions of a polled context: how many there were (spec N28). */
  poll(hctx: number): number;
}
