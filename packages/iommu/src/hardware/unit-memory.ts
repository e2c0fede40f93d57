import type { TableMemory } from '../page-table/table-memory.ts';

/** Physical memory as a unit reads it: with addresses that answer, and ones that don't. Loads ask nothing: ask first. */
export class UnitMemory implements TableMemory {
  readonly #memory: TableMemory;
  readonly #answers: ((phys: number) => boolean) | undefined;
  readonly #limit: number = 0;

  /**
   * @param hostAddressBits addresses at and above 2^bits never answer
   * @param answers false for a page that no memory backs: reading it is an access error
   */
  constructor(memory: TableMemory, hostAddressBits: number, answers?: (phys: number) => boolean) {
    this.#memory = memory;
    this.#limit = 2 ** hostAddressBits;
    this.#answers = answers;
  }

  /** Can a table at that address be read? Asked before every load of a walk. */
  canAccess(at: number): boolean {
    return at < this.#limit && (this.#answers === undefined || this.#answers(at));
  }

  load32(at: number): number {
    return this.#memory.load32(at);
  }

  store32(at: number, value: number): void {
    this.#memory.store32(at, value);
  }

  wordsOf(at: number): Int32Array | undefined {
    return this.#memory.wordsOf?.(at);
  }

  wordIndexOf(at: number): number {
    return this.#memory.wordIndexOf?.(at) ?? 0;
  }
}
