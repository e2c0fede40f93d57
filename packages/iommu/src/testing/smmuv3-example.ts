import { PhysMemory } from '@dmalab/phys-memory';
import { SMMU_PRESETS } from '../smmuv3/capabilities.ts';
import { SmmuV3Unit, type SmmuV3UnitOptions } from '../smmuv3/hardware/smmuv3-unit.ts';
import { putWords, word64 } from './words.ts';

/** The stream that the example's entry is for. */
export const EXAMPLE_STREAM = 0x18;
const COMMANDS = 0x41020000;
const EVENTS = 0x41030000;

/** The worked example of the specification, byte for byte (spec H82). */
const TABLES = {
  '0x41000600': [0x000000004101000bn, 0xd4n, 0n, 0n, 0n, 0n, 0n, 0n],
  '0x41010000': [0x0005e204c0003510n, 0x41100000n, 0n, 0x00000000f404ff44n],
  '0x41100008': [0x41101003n],
  '0x41101010': [0x41102003n],
  '0x41102018': [0x41103003n],
  '0x41103020': [0x41400763n],
  '0x41103028': [0x414017e3n],
  '0x41103030': [0n],
  '0x41103038': [0x41402363n],
  '0x41102020': [0x41600761n],
  '0x41020000': [0x4n, 0x1fn, 0x30n, 0n, 0x46n, 0n],
};

/** A unit that runs on the example's tables, its queue at 3 commands done. */
export class SmmuExample {
  readonly memory = new PhysMemory();
  readonly unit: SmmuV3Unit;
  #producer = 3;
  #consumer = 0;

  constructor(options: Partial<SmmuV3UnitOptions> = {}) {
    putWords(this.memory, TABLES);
    this.unit = new SmmuV3Unit({ memory: this.memory, ...SMMU_PRESETS.qemu, ...options });
    this.write64(0x80, 0x4000000041000000n);
    this.unit.writeRegister(0x88, 8);
    this.write64(0x90, 0x4000000041020008n);
    this.write64(0xa0, 0x4000000041030007n);
    this.unit.writeRegister(0x28, 0xd75);
    this.unit.writeRegister(0x20, 0x8);
    this.unit.writeRegister(0x98, this.#producer);
    this.unit.step();
    this.unit.writeRegister(0x20, 0xc);
    this.unit.writeRegister(0x20, 0xd);
  }

  write64(offset: number, value: bigint): void {
    this.unit.writeRegister(offset, Number(value & 0xffff_ffffn));
    this.unit.writeRegister(offset + 4, Number(value >> 32n));
  }

  /** Queues commands of two qwords each and lets the unit work. */
  submit(...qwords: bigint[]): void {
    for (let i = 0; i < qwords.length; i += 2) {
      putWords(this.memory, { [COMMANDS + (this.#producer & 0xff) * 16]: qwords.slice(i, i + 2) });
      this.#producer = (this.#producer + 1) & 0x1ff;
    }
    this.unit.writeRegister(0x98, this.#producer);
    this.unit.step();
  }

  /** Drops everything that the unit has cached: configuration and translations. */
  invalidateAll(): void {
    this.submit(0x4n, 0x1fn, 0x30n, 0n, 0x46n, 0n);
  }

  /** The oldest event record, four words as the specification prints them; undefined when there is none. */
  takeEvent(): string | undefined {
    if (this.unit.readRegister(0x100a8) === this.#consumer) return undefined;
    const at = EVENTS + (this.#consumer & 0x7f) * 32;
    this.#consumer = (this.#consumer + 1) & 0xff;
    this.unit.writeRegister(0x100ac, this.#consumer);
    const words = [0, 8, 16, 24].map((offset) => word64(this.memory, at + offset));
    return words.map((word) => word.toString(16).padStart(16, '0')).join(' ');
  }

  /** Id of the oldest event, 0 when there is none. */
  takeEventId(): number {
    return Number.parseInt(this.takeEvent()?.slice(14, 16) ?? '0', 16);
  }
}
