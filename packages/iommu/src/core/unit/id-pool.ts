/** Numbers that a unit tags translations with: ascending, freed ones reused lowest first (spec I169). */
export class IdPool {
  readonly #first: number;
  readonly #limit: number;
  readonly #used = new Set<number>();

  /**
   * @param first lowest number to give out
   * @param limit numbers are below it
   */
  constructor(first: number, limit: number) {
    this.#first = first;
    this.#limit = limit;
  }

  /** The lowest free number, or -1 when all are taken. */
  take(): number {
    let id = this.#first;
    while (this.#used.has(id)) id++;
    if (id >= this.#limit) return -1;
    this.#used.add(id);
    return id;
  }

  release(id: number): void {
    this.#used.delete(id);
  }
}
