import { PhysMemory } from '@dmalab/phys-memory';
import { RISCV_PRESETS } from '../riscv/capabilities.ts';
import { RiscvUnit, type RiscvUnitOptions } from '../riscv/hardware/riscv-unit.ts';
import { putWords, word64 } from './words.ts';

/** The device that the example's context is for. */
export const RISCV_EXAMPLE_DEVICE = 0x18;
const COMMANDS = 0x81010000;
const FAULTS = 0x81020000;

/** The worked example of the specification, byte for byte (spec H107). */
const TABLES = {
  '0x81000600': [1n, 0n, 0x5000n, 0x8000000000081100n, 0n, 0n, 0n, 0n],
  '0x81100010': [0x20440401n],
  '0x81101018': [0x20440801n],
  '0x81102020': [0x205000d7n, 0x20500453n, 0n],
  '0x81101020': [0x205800d7n],
  '0x81102080': new Array<bigint>(16).fill(0x80000000205060d7n),
  '0x81010000': [3n, 0n, 1n, 0n, 0x0000005500000402n, 0x20414000n],
};

/** A unit that runs on the example's tables, its first three commands done. */
export class RiscvExample {
  readonly memory = new PhysMemory();
  readonly unit: RiscvUnit;
  /** Interrupt messages that the unit sent. */
  readonly messages: [address: number, data: number][] = [];
  #tail = 3;

  constructor(options: Partial<RiscvUnitOptions> = {}) {
    putWords(this.memory, TABLES);
    this.unit = new RiscvUnit({
      memory: this.memory,
      capabilities: RISCV_PRESETS.qemuPci,
      interrupt: (address, data) => this.messages.push([address, data]),
      ...options,
    });
    this.unit.writeRegister(0x18, 0x20404007);
    this.unit.writeRegister(0x48, 1);
    this.unit.writeRegister(0x28, 0x20408006);
    this.unit.writeRegister(0x4c, 1);
    this.unit.writeRegister(0x10, 0x20400002);
    this.unit.writeRegister(0x24, this.#tail);
    this.unit.step();
  }

  put(at: number, ...values: bigint[]): void {
    putWords(this.memory, { [at]: values });
  }

  /** Queues commands of two qwords each and lets the unit work. */
  submit(...qwords: bigint[]): void {
    this.put(COMMANDS + this.#tail * 16, ...qwords);
    this.#tail += qwords.length / 2;
    this.unit.writeRegister(0x24, this.#tail);
    this.unit.step();
  }

  /** Forgets everything that the unit has cached. */
  invalidateAll(): void {
    this.submit(3n, 0n, 1n, 0n, 0x0000000200000001n, 0n);
  }

  /** The oldest fault record in 16 hex digits a qword, which is then taken; undefined when there is none. */
  takeRecord(): string[] | undefined {
    const head = this.unit.readRegister(0x30);
    if (head === this.unit.readRegister(0x34)) return undefined;
    this.unit.writeRegister(0x30, head + 1);
    return [0, 8, 16, 24].map((at) =>
      word64(this.memory, FAULTS + head * 32 + at)
        .toString(16)
        .padStart(16, '0'),
    );
  }
}
