import { PhysMemory } from '@dmalab/phys-memory';
import { VTD_PRESETS } from '../vtd/capabilities.ts';
import { VtdUnit, type VtdUnitOptions } from '../vtd/hardware/vtd-unit.ts';
import { putWords } from './words.ts';

/** The source that the example's context entry is for. */
export const EXAMPLE_SOURCE = 0x18;
/** Where its invalidation queue is. */
const EXAMPLE_QUEUE = 0x01020000;

/** The legacy worked example of the specification, byte for byte (spec H30). */
const TABLES = {
  '0x01000000': [0x01001001n, 0n],
  '0x01001180': [0x01010001n, 0x702n],
  '0x01010008': [0x01011003n],
  '0x01011010': [0x01012003n],
  '0x01012018': [0x01013003n],
  '0x01013020': [0x01200003n],
  '0x01013028': [0x01201001n],
  '0x01013030': [0n],
  '0x01013038': [0xfee00003n],
  '0x01013040': [0x01202002n],
  '0x01012020': [0x01400083n],
  '0x01020000': [0x11n, 0n, 0x12n, 0n, 0x0000000100000025n, 0x01030000n],
};

/** A unit that runs on the example's tables, its queue at 3 descriptors done. */
export class LegacyExample {
  readonly memory = new PhysMemory();
  readonly unit: VtdUnit;
  /** Interrupt messages that the unit sent. */
  readonly messages: [address: number, data: number][] = [];
  #tail = 0x30;

  constructor(options: Partial<VtdUnitOptions> = {}) {
    putWords(this.memory, TABLES);
    this.unit = new VtdUnit({
      memory: this.memory,
      ...VTD_PRESETS.qemuLegacy,
      faultCodes: 'qemu',
      interrupt: (address, data) => this.messages.push([address, data]),
      ...options,
    });
    this.unit.writeRegister(0x20, 0x01000000);
    this.unit.writeRegister(0x18, 0x40000000);
    this.unit.writeRegister(0x90, EXAMPLE_QUEUE);
    this.unit.writeRegister(0x18, 0x04000000);
    this.unit.writeRegister(0x88, this.#tail);
    this.unit.step();
    this.unit.writeRegister(0x18, 0x84000000);
  }

  /** Queues descriptors of two qwords each and lets the unit work. */
  submit(...qwords: bigint[]): void {
    putWords(this.memory, { [EXAMPLE_QUEUE + this.#tail]: qwords });
    this.#tail += qwords.length * 8;
    this.unit.writeRegister(0x88, this.#tail);
    this.unit.step();
  }

  /** {low, high} of a fault record as the specification prints it. */
  record(index = 0): [string, string] {
    const at = this.unit.capabilities.faultRecordOffset + index * 16;
    const word = (offset: number) =>
      this.unit
        .readRegister(at + offset)
        .toString(16)
        .padStart(8, '0');
    return [word(4) + word(0), word(12) + word(8)];
  }

  clearRecord(index = 0): void {
    this.unit.writeRegister(this.unit.capabilities.faultRecordOffset + index * 16 + 12, 0x80000000);
  }
}
