import type { DeviceBacking } from '../device-backing.ts';

/** Interrupt vectors of the function: MSI-X, else MSI, else its wire (spec N56, step 1). */
export class InterruptVectors {
  readonly #backing: DeviceBacking;

  constructor(backing: DeviceBacking) {
    this.#backing = backing;
  }

  /** How many there can be, 0 for none at all. */
  offered(): number {
    const { msixVectors, msiVectors, enableWire } = this.#backing;
    const messages = msixVectors.call(this.#backing) || (msiVectors?.call(this.#backing) ?? 0);
    return messages || (enableWire?.call(this.#backing) === true ? 1 : 0);
  }

  /** Asks for so many: how many were given. */
  enable(count: number): number {
    const backing = this.#backing;
    const given = Math.min(count, this.offered());
    if (backing.msixVectors() > 0) {
      backing.enableMsix(given);
      return given;
    }
    // MSI is enabled for a power of two, and offers one.
    if ((backing.msiVectors?.() ?? 0) > 0) backing.enableMsi?.(2 ** Math.ceil(Math.log2(given)));
    return given;
  }
}
