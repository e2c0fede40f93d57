const INTERVAL_NANOS = 5e9;
const BURST = 10;

/** The kernel's default rate limit: 10 messages in 5 seconds, the rest dropped in silence (spec I172, I176). */
export class FaultRateLimit {
  #intervalStart = Number.NEGATIVE_INFINITY;
  #printed = 0;
  /** Messages that were not printed. */
  suppressed = 0;

  /** May another message be printed now? */
  allow(nowNanos: number): boolean {
    if (nowNanos - this.#intervalStart > INTERVAL_NANOS) {
      this.#intervalStart = nowNanos;
      this.#printed = 0;
    }
    if (this.#printed < BURST) {
      this.#printed++;
      return true;
    }
    this.suppressed++;
    return false;
  }
}
