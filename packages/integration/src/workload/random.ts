/**
 * Seeded random numbers, the same on every platform: xorshift32 (Marsaglia, 2003, triple 13, 17, 5).
 * Good enough to spread offsets; never use it for anything secret.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Spread small seeds over all 32 bits first (the finaliser of MurmurHash3); zero would be the one fixed point.
    let h = seed | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    this.#state = h ^ (h >>> 16) || 0x9e3779b9;
  }

  /** 32 random bits, unsigned, never 0. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** A whole number from 0 to `bound` - 1; `bound` at most 2^32. */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound);
  }
}
