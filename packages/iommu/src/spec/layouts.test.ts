import { describe, expect, it } from 'vitest';
import * as amdCommands from './amd-commands.ts';
import * as amdEvents from './amd-events.ts';
import * as amdPaging from './amd-paging.ts';
import * as amdRegisters from './amd-registers.ts';
import * as amdTables from './amd-tables.ts';
import { bits, type Field, get, getAddress, highHalf, highMask, lowHalf, lowMask } from './bits.ts';
import * as riscvCommands from './riscv-commands.ts';
import * as riscvFaults from './riscv-faults.ts';
import * as riscvPaging from './riscv-paging.ts';
import * as riscvRegisters from './riscv-registers.ts';
import * as riscvTables from './riscv-tables.ts';
import * as smmuCommands from './smmuv3-commands.ts';
import * as smmuEvents from './smmuv3-events.ts';
import * as smmuPaging from './smmuv3-paging.ts';
import * as smmuRegisters from './smmuv3-registers.ts';
import * as smmuTables from './smmuv3-tables.ts';
import * as faults from './vtd-faults.ts';
import * as invalidation from './vtd-invalidation.ts';
import * as paging from './vtd-paging.ts';
import * as registers from './vtd-registers.ts';
import * as tables from './vtd-tables.ts';

const isField = (value: unknown): value is Field => typeof value === 'object' && value !== null && 'hi' in value;

/** Every table of fields in the layout modules, named by its path. */
function layouts(value: unknown, path: string): [string, Field[]][] {
  if (typeof value !== 'object' || value === null) return [];
  const members = Object.entries(value);
  if (members.every(([, member]) => isField(member))) return [[path, members.map(([, member]) => member as Field)]];
  return members.flatMap(([name, member]) => (isField(member) ? [] : layouts(member, `${path}${path && '.'}${name}`)));
}

const words32 =
  /^(Gcmd|Fsts|EventControl|Ics|Riscv(Fctl|Cqcsr|Fqcsr|Ipsr)|Smmu(Idr\d|Cr\d|Gbpa|IrqCtrl|Gerror|StrtabCfg|CmdqCons))$/;
const vtd = [faults, invalidation, paging, registers, tables];
const smmuv3 = [smmuCommands, smmuEvents, smmuPaging, smmuRegisters, smmuTables];
const riscv = [riscvCommands, riscvFaults, riscvPaging, riscvRegisters, riscvTables];
const all = [...vtd, ...smmuv3, ...riscv, amdCommands, amdEvents, amdPaging, amdRegisters, amdTables].flatMap(
  (module) => layouts({ ...module }, ''),
);

describe('layout tables', () => {
  it('finds the tables to check', () => expect(all.length).toBeGreaterThan(30));

  it.each(all)('the fields of %s tile their word', (name, fields) => {
    const sorted = [...fields].sort((a, b) => a.lo - b.lo);
    let next = 0;
    for (const field of sorted) {
      expect(field.lo).toBe(next);
      next = field.hi + 1;
    }
    expect(next).toBe(words32.test(name) ? 32 : 64);
  });
});

describe('fields of a word in two halves', () => {
  const low = 0x89abcdef;
  const high = 0xfedcba98;
  it.each([
    [bits(3, 0), 0xf],
    [bits(31, 0), 0x89abcdef],
    [bits(63, 32), 0xfedcba98],
    [bits(39, 28), 0x988],
    [bits(63), 1],
    [bits(63, 12), 0xfedcba9889abc],
  ])('reads %j', (field, value) => expect(get(low, high, field)).toBe(value));

  it('reads an address in place', () => {
    expect(getAddress(0x01010003, 0x7, bits(63, 12))).toBe(0x701010000);
  });

  it.each([
    [bits(63, 12), 0xabcde12345],
    [bits(23, 8), 0xffff],
    [bits(63, 32), 0x80000001],
    [bits(31, 0), 0xffffffff],
  ])('what halves hold for %j, get reads back', (field, value) => {
    expect(get(lowHalf(field, value), highHalf(field, value), field)).toBe(value);
  });

  it('masks name the same bits', () => {
    expect(lowMask(bits(31, 12))).toBe(0xfffff000);
    expect(lowMask(bits(63, 12))).toBe(0xfffff000);
    expect(highMask(bits(63, 12))).toBe(0xffffffff);
    expect(highMask(bits(51, 12))).toBe(0xfffff);
    expect(highMask(bits(11, 0))).toBe(0);
    expect(lowMask(bits(63, 32))).toBe(0);
  });

  it('refuses a run outside 64 bits', () => {
    expect(() => bits(64, 0)).toThrow('bits(64, 0) is not inside a 64-bit word');
    expect(() => bits(3, 4)).toThrow(RangeError);
  });
});
