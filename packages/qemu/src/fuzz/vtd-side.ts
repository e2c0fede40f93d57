import { VtdUnit } from '@dmalab/iommu';
import type { PhysMemory, RegisterBacking } from '@dmalab/phys-memory';
import { PhysMemory as ModelMemory } from '@dmalab/phys-memory';
import type { FuzzCase } from './fuzz-case.ts';

const CAP = 0x08;
const ECAP = 0x10;
const GCMD = 0x18;
const GSTS = 0x1c;
const RTADDR = 0x20;
const CCMD = 0x28;
const SRTP = 0x4000_0000;
const TE = 0x8000_0000;
/** CCMD and IOTLB, upper halves: go, globally. */
const GO_CONTEXT = 0xa000_0000;
const GO_IOTLB = 0x9000_0000;
const PAGE = 4096;

/** A VT-d unit with its memory, set up by the same register accesses whoever made it. */
export class VtdSide {
  readonly registers: RegisterBacking;
  readonly #memory: PhysMemory;
  readonly #iotlb: number;
  #dirty: readonly number[] = [];

  constructor(registers: RegisterBacking, memory: PhysMemory, root: number) {
    this.registers = registers;
    this.#memory = memory;
    this.#iotlb = (((registers.readRegister(ECAP) >>> 8) & 0x3ff) << 4) + 8;
    registers.writeRegister(RTADDR, root);
    registers.writeRegister(RTADDR + 4, 0);
    this.#command(SRTP);
    this.#command(TE);
  }

  /** Zeroes the tables of the case before, writes those of this one, and drops everything that was cached. */
  load({ words }: FuzzCase): void {
    for (const page of this.#dirty) this.#memory.fill(page, PAGE);
    this.#dirty = [...new Set(words.map(({ at }) => at - (at % PAGE)))];
    for (const { at, low, high } of words) this.#memory.store64(at, low, high);
    this.#invalidate(CCMD, GO_CONTEXT);
    this.#invalidate(this.#iotlb, GO_IOTLB);
  }

  #command(bit: number): void {
    this.registers.writeRegister(GCMD, bit);
    this.#until(() => (this.registers.readRegister(GSTS) & bit) !== 0);
  }

  #invalidate(register: number, go: number): void {
    this.registers.writeRegister(register, 0);
    this.registers.writeRegister(register + 4, go);
    this.#until(() => (this.registers.readRegister(register + 4) & 0x8000_0000) === 0);
  }

  #until(condition: () => boolean): void {
    for (let polls = 0; polls < 10_000; polls++) {
      if (condition()) return;
      this.registers.advance(1000);
    }
    throw new Error('the VT-d unit did not act on a command');
  }
}

/** A model with the capabilities of another unit. */
export function vtdModelLike(registers: RegisterBacking): { readonly unit: VtdUnit; readonly memory: ModelMemory } {
  const wide = (at: number) => (BigInt(registers.readRegister(at + 4)) << 32n) | BigInt(registers.readRegister(at));
  const memory = new ModelMemory();
  return { unit: new VtdUnit({ memory, cap: wide(CAP), ecap: wide(ECAP), faultCodes: 'qemu' }), memory };
}
