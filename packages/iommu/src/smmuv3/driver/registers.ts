import type { RegisterBacking } from '@dmalab/phys-memory';
import { SmmuTimeoutError } from './errors.ts';

const POLL_NANOS = 1000;
const POLLS = 1_000_000;

/** A 64-bit register: two accesses, low half first. */
export function write64(registers: RegisterBacking, offset: number, low: number, high: number): void {
  registers.writeRegister(offset, low >>> 0);
  registers.writeRegister(offset + 4, high >>> 0);
}

/** Writes a control register and waits until its acknowledgement reads the same (spec H57). @throws {SmmuTimeoutError} */
export function writeAndWait(
  registers: RegisterBacking,
  name: string,
  offset: number,
  ack: number,
  value: number,
): void {
  registers.writeRegister(offset, value);
  for (let poll = 0; poll < POLLS; poll++) {
    if (registers.readRegister(ack) === value) return;
    registers.advance(POLL_NANOS);
  }
  throw new SmmuTimeoutError(name, registers.readRegister(ack));
}
