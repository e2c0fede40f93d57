import type { PhysMemory, RegisterBacking } from '@dmalab/phys-memory';
import type { TableWord } from './fuzz-case.ts';

const PAGE = 4096;

/** The tables of one case after the other in a side's memory. */
export class CaseTables {
  readonly #memory: PhysMemory;
  #dirty: readonly number[] = [];

  constructor(memory: PhysMemory) {
    this.#memory = memory;
  }

  /** Zeroes the pages of the case before and writes the words of this one. */
  write(words: readonly TableWord[]): void {
    for (const page of this.#dirty) this.#memory.fill(page, PAGE);
    this.#dirty = [...new Set(words.map(({ at }) => at - (at % PAGE)))];
    for (const { at, low, high } of words) this.#memory.store64(at, low, high);
  }
}

/** Lets a unit work until it shows what it was told to do. @throws {Error} when it never does */
export function waitForUnit(registers: RegisterBacking, condition: () => boolean): void {
  for (let polls = 0; polls < 10_000; polls++) {
    if (condition()) return;
    registers.advance(1000);
  }
  throw new Error('the unit did not act on a command');
}
