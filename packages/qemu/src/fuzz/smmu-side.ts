import type { PhysMemory, RegisterBacking } from '@dmalab/phys-memory';
import { CaseTables, waitForUnit } from './case-tables.ts';
import type { FuzzCase } from './fuzz-case.ts';

const CR0 = 0x20;
const CR0ACK = 0x24;
const CR1 = 0x28;
const STRTAB_BASE = 0x80;
const STRTAB_BASE_CFG = 0x88;
const CMDQ_BASE = 0x90;
const CMDQ_PROD = 0x98;
const CMDQ_CONS = 0x9c;
const EVENTQ_BASE = 0xa0;
const EVENTQ_PROD = 0x1_00a8;
const EVENTQ_CONS = 0x1_00ac;
const CMDQEN = 8;
const EVENTQEN = 4;
const SMMUEN = 1;
const TABLE_ATTRIBUTES = 0xd75;
const STREAMS_LOG2 = 8;
const COMMANDS_LOG2 = 8;
/** Room for all that one access of 512 bytes leaves on QEMU, twice (spec B52). */
const EVENTS_LOG2 = 9;
const POINTER = 2 ** (COMMANDS_LOG2 + 1) - 1;
const PAGE = 4096;
/** CFGI_ALL, TLBI_NSNH_ALL, SYNC: first and third words (spec H72). */
const DROP_EVERYTHING = [
  [0x04, 0x1f],
  [0x30, 0],
  [0x46, 0],
] as const;

/** Where a side has its queues: 4 KiB of commands, then 16 KiB of events. */
export const SMMU_QUEUE_BYTES = 5 * PAGE;

/** An SMMUv3 with its memory, set up by the same register accesses whoever made it. */
export class SmmuSide {
  readonly registers: RegisterBacking;
  readonly #memory: PhysMemory;
  readonly #tables: CaseTables;
  readonly #commands: number;
  #prod = 0;

  constructor(registers: RegisterBacking, memory: PhysMemory, streamTable: number, queues: number) {
    this.registers = registers;
    this.#memory = memory;
    this.#tables = new CaseTables(memory);
    this.#commands = queues;
    this.#control(0);
    registers.writeRegister(CR1, TABLE_ATTRIBUTES);
    this.#base(STRTAB_BASE, streamTable);
    registers.writeRegister(STRTAB_BASE_CFG, STREAMS_LOG2);
    this.#base(CMDQ_BASE, queues + COMMANDS_LOG2);
    for (const pointer of [CMDQ_PROD, CMDQ_CONS]) registers.writeRegister(pointer, 0);
    this.#control(CMDQEN);
    this.#base(EVENTQ_BASE, queues + PAGE + EVENTS_LOG2);
    for (const pointer of [EVENTQ_PROD, EVENTQ_CONS]) registers.writeRegister(pointer, 0);
    this.#control(CMDQEN + EVENTQEN);
    this.#control(CMDQEN + EVENTQEN + SMMUEN);
  }

  /** Puts the case's tables in place of those before, and drops everything that was cached. */
  load({ words }: FuzzCase): void {
    this.#tables.write(words);
    for (const [first, third] of DROP_EVERYTHING) {
      const at = this.#commands + 16 * (this.#prod % 2 ** COMMANDS_LOG2);
      this.#memory.store64(at, first, 0);
      this.#memory.store64(at + 8, third, 0);
      this.#prod = (this.#prod + 1) & POINTER;
    }
    this.registers.writeRegister(CMDQ_PROD, this.#prod);
    waitForUnit(this.registers, () => (this.registers.readRegister(CMDQ_CONS) & POINTER) === this.#prod);
  }

  #control(value: number): void {
    this.registers.writeRegister(CR0, value);
    waitForUnit(this.registers, () => this.registers.readRegister(CR0ACK) === value);
  }

  #base(register: number, value: number): void {
    this.registers.writeRegister(register, value);
    this.registers.writeRegister(register + 4, 0x4000_0000); // allocation hint
  }
}
