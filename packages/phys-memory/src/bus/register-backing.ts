/**
 * How a driver reaches the registers of its device. Everything returns at once and nothing is a promise, so the same
 * driver runs on a model in this process and on a device behind a bridge.
 */
export interface RegisterBacking {
  /** A 32-bit register, unsigned. A 64-bit register is read low half first. */
  readRegister(offset: number): number;
  writeRegister(offset: number, value: number): void;
  /** Lets the other side work for that long: a driver calls it where a real one would spin. */
  advance(nanoseconds: number): void;
}
