/** First id for a domain: 0 means "not present" in caching mode, 1 is for pass-through (spec I169). */
const FIRST = 2;

/** Domain ids of one unit: ascending, freed ones reused lowest first (spec I169). */
export class DomainIds {
  readonly #limit: number;
  readonly #used = new Set<number>();

  /** @param limit ids are below it (CAP.ND) */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lowest free id, or -1 when all are taken. */
  take(): number {
    let id = FIRST;
    while (this.#used.has(id)) id++;
    if (id >= this.#limit) return -1;
    this.#used.add(id);
    return id;
  }

  release(id: number): void {
    this.#used.delete(id);
  }
}
