import type { UnitInterrupts } from './unit-interrupts.ts';

/** GERROR and GERRORN (spec H57): an error is active while its bits differ, and software ends it by making them equal. */
export class GlobalErrors {
  /** GERROR. */
  state = 0;
  /** GERRORN. */
  acknowledged = 0;
  readonly #interrupts: UnitInterrupts;

  constructor(interrupts: UnitInterrupts) {
    this.#interrupts = interrupts;
  }

  isActive(mask: number): boolean {
    return ((this.state ^ this.acknowledged) & mask) !== 0;
  }

  raise(mask: number): void {
    if (this.isActive(mask)) return;
    this.state = (this.state ^ mask) >>> 0;
    this.#interrupts.raiseGlobalError();
  }
}
