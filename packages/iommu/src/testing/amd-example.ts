import { PhysMemory } from '@dmalab/phys-memory';
import { AMD_PRESETS } from '../amd/features.ts';
import { AmdUnit, type AmdUnitOptions } from '../amd/hardware/amd-unit.ts';
import { putWords, word64 } from './words.ts';

/** The source that the example's device table entry is for. */
export const AMD_EXAMPLE_SOURCE = 0x18;
const COMMANDS = 0x01200000;
const EVENTS = 0x01202000;

/** The worked example of the specification, byte for byte (spec H56). */
const TABLES = {
  '0x01000300': [0x6000000001303803n, 7n, 0n, 0n],
  '0x01303008': [0x6000000001302601n],
  '0x01302010': [0x6000000001301401n],
  '0x01301018': [0x6000000001300201n],
  '0x01300020': [0x6000000001400001n],
  '0x01300028': [0x2000000001401001n],
  '0x01300040': [0x6000000001409e01n, 0x6000000001409e01n, 0x6000000001409e01n, 0x6000000001409e01n],
  '0x01301020': [0x6000000001600001n],
  '0x01301030': [0x60000000019ffe01n, 0x60000000019ffe01n],
  // The level skip: a level 4 entry that points at level 2.
  '0x01310008': [0x6000000001311401n],
  '0x01311028': [0x6000000001600001n],
  '0x01200000': [0x8000000000000000n, 0n, 0x2000000000000018n, 0n],
  '0x01200020': [0x3000000700000000n, 0x7ffffffffffff003n, 0x1000000001204001n, 0x1122334455667788n],
};

/** A unit that runs on the example's tables, its four commands done. */
export class AmdExample {
  readonly memory = new PhysMemory();
  readonly unit: AmdUnit;
  /** Interrupt messages that the unit sent. */
  readonly messages: [address: number, data: number][] = [];
  #tail = 0x40;

  constructor(options: Partial<AmdUnitOptions> = {}) {
    putWords(this.memory, TABLES);
    this.unit = new AmdUnit({
      memory: this.memory,
      ...AMD_PRESETS.full,
      interrupt: (address, data) => this.messages.push([address, data]),
      ...options,
    });
    this.write64(0x00, 0x010001ffn);
    this.write64(0x08, 0x0900000001200000n);
    this.write64(0x10, 0x0900000001202000n);
    for (const pointer of [0x2000, 0x2008, 0x2010, 0x2018]) this.write64(pointer, 0n);
    this.write64(0x18, 0x1005n);
    this.unit.writeRegister(0x2008, this.#tail);
    this.unit.step();
  }

  /** A 64-bit register, low half first. */
  write64(offset: number, value: bigint): void {
    this.unit.writeRegister(offset, Number(value & 0xffffffffn));
    this.unit.writeRegister(offset + 4, Number(value >> 32n));
  }

  /** Queues commands of two qwords each and lets the unit work. */
  submit(...qwords: bigint[]): void {
    putWords(this.memory, { [COMMANDS + this.#tail]: qwords });
    this.#tail += qwords.length * 8;
    this.unit.writeRegister(0x2008, this.#tail);
    this.unit.step();
  }

  /** Both qwords of an event, in hex. */
  event(index = 0): [string, string] {
    const hex = (at: number) => word64(this.memory, at).toString(16).padStart(16, '0');
    return [hex(EVENTS + index * 16), hex(EVENTS + index * 16 + 8)];
  }

  /** Events that wait for software. */
  get pending(): number {
    return (this.unit.readRegister(0x2018) - this.unit.readRegister(0x2010)) / 16;
  }
}
