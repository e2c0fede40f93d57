import { VtdUnit } from '@dmalab/iommu';
import { PhysMemory, type RegisterBacking } from '@dmalab/phys-memory';
import { CaseTables, waitForUnit } from './case-tables.ts';
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

/** A VT-d unit with its memory, set up by the same register accesses whoever made it. */
export class VtdSide {
  readonly registers: RegisterBacking;
  readonly #tables: CaseTables;
  readonly #iotlb: number;

  constructor(registers: RegisterBacking, memory: PhysMemory, root: number) {
    this.registers = registers;
    this.#tables = new CaseTables(memory);
    this.#iotlb = (((registers.readRegister(ECAP) >>> 8) & 0x3ff) << 4) + 8;
    registers.writeRegister(RTADDR, root);
    registers.writeRegister(RTADDR + 4, 0);
    this.#command(SRTP);
    this.#command(TE);
  }

  /** Puts the case's tables in place of those before, and drops everything that was cached. */
  load({ words }: FuzzCase): void {
    this.#tables.write(words);
    this.#invalidate(CCMD, GO_CONTEXT);
    this.#invalidate(this.#iotlb, GO_IOTLB);
  }

  #command(bit: number): void {
    this.registers.writeRegister(GCMD, bit);
    waitForUnit(this.registers, () => (this.registers.readRegister(GSTS) & bit) !== 0);
  }

  #invalidate(register: number, go: number): void {
    this.registers.writeRegister(register, 0);
    this.registers.writeRegister(register + 4, go);
    waitForUnit(this.registers, () => (this.registers.readRegister(register + 4) & 0x8000_0000) === 0);
  }
}

/** A model with the capabilities of another unit. */
export function vtdModelLike(registers: RegisterBacking): { readonly unit: VtdUnit; readonly memory: PhysMemory } {
  const wide = (at: number) => (BigInt(registers.readRegister(at + 4)) << 32n) | BigInt(registers.readRegister(at));
  const memory = new PhysMemory();
  return { unit: new VtdUnit({ memory, cap: wide(CAP), ecap: wide(ECAP), faultCodes: 'qemu' }), memory };
}
