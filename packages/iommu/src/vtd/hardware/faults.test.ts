import { beforeEach, describe, expect, it } from 'vitest';
import { LegacyExample, EXAMPLE_SOURCE as SOURCE } from '../../testing/legacy-example.ts';
import { put64 } from '../../testing/words.ts';
import { VTD_PRESETS } from '../capabilities.ts';
import { VTD_BLOCKED } from './translator.ts';

const FSTS = 0x34;
const FECTL = 0x38;

let example: LegacyExample;
const faultBy = (source: number) => example.unit.translate(source, 0x5000, 1);

function programEvent(): void {
  example.unit.writeRegister(0x3c, 0x4021);
  example.unit.writeRegister(0x40, 0xfee01000);
}

beforeEach(() => {
  example = new LegacyExample(VTD_PRESETS.full);
});

describe('fault records (spec H25)', () => {
  it('takes slots in turn; FRI names the one that set PPF', () => {
    faultBy(1);
    faultBy(2);
    expect(example.unit.readRegister(FSTS)).toBe(0x2);
    expect([example.record(0)[1].slice(-4), example.record(1)[1].slice(-4)]).toEqual(['0001', '0002']);
    example.clearRecord(0);
    expect(example.unit.readRegister(FSTS)).toBe(0x2);
    example.clearRecord(1);
    expect(example.unit.readRegister(FSTS)).toBe(0);
    faultBy(3);
    expect(example.unit.readRegister(FSTS)).toBe(0x202);
  });

  it('collapses faults of a source that has one pending', () => {
    faultBy(1);
    faultBy(1);
    expect(example.record(1)[1]).toBe('0000000000000000');
  });

  it('a busy slot sets PFO, and nothing is recorded until that is cleared', () => {
    for (let source = 1; source <= 9; source++) faultBy(source);
    expect(example.unit.readRegister(FSTS)).toBe(0x3);
    for (let slot = 0; slot < 8; slot++) example.clearRecord(slot);
    faultBy(10);
    expect(example.unit.readRegister(FSTS)).toBe(0x1);
    example.unit.writeRegister(FSTS, 0x1);
    faultBy(10);
    expect(example.unit.readRegister(FSTS)).toBe(0x2);
  });

  it('only F can be written in a record, with a one in its last word', () => {
    faultBy(1);
    const before = example.record(0);
    for (const offset of [0, 4, 8]) example.unit.writeRegister(0x220 + offset, 0xffffffff);
    example.unit.writeRegister(0x22c, 0x7fffffff);
    expect(example.record(0)).toEqual(before);
  });
});

describe('the fault event (spec H25)', () => {
  it('waits while masked and is sent on unmasking', () => {
    programEvent();
    faultBy(1);
    expect(example.unit.readRegister(FECTL)).toBe(0xc0000000);
    example.unit.writeRegister(FECTL, 0);
    expect(example.messages).toEqual([[0xfee01000, 0x4021]]);
    expect(example.unit.readRegister(FECTL)).toBe(0);
  });

  it('goes away with its cause', () => {
    faultBy(1);
    example.clearRecord(0);
    expect(example.unit.readRegister(FECTL)).toBe(0x80000000);
  });

  it('is raised again only when nothing was pending before', () => {
    programEvent();
    example.unit.writeRegister(FECTL, 0);
    faultBy(1);
    faultBy(2);
    expect(example.messages).toHaveLength(1);
    example.clearRecord(0);
    faultBy(3);
    expect(example.messages).toHaveLength(1);
    example.clearRecord(1);
    example.clearRecord(2);
    faultBy(4);
    expect(example.messages).toHaveLength(2);
  });
});

describe('what is blocked without paging', () => {
  it('H10 the interrupt window: a write passes untranslated, a read is dropped without a record', () => {
    expect(example.unit.translate(SOURCE, 0xfee01000, 1)).toBe(0xfee01000);
    expect(example.unit.translate(SOURCE, 0xfee01000, 0)).toBe(VTD_BLOCKED);
    expect(example.unit.readRegister(FSTS)).toBe(0);
  });

  it('H14 TTM = 3 aborts every request', () => {
    example.unit.writeRegister(0x20, 0x01000c00);
    example.unit.writeRegister(0x18, 0xc4000000);
    expect(faultBy(SOURCE)).toBe(VTD_BLOCKED);
  });

  it.each([
    ['root table', 0x01000000, -8],
    ['context table', 0x01001000, -9],
    ['root paging table, as QEMU reports it', 0x01010000, -3],
    ['lower paging table', 0x01012000, -7],
  ])('H26 a %s that no memory backs is an access error', (_, page, result) => {
    example = new LegacyExample({ answers: (phys) => phys - (phys % 4096) !== page });
    expect(example.unit.translate(SOURCE, 0x8080604567, 1)).toBe(result);
  });

  it('H18 a bit at or above the address width is reserved', () => {
    example = new LegacyExample({ hostAddressBits: 39 });
    put64(example.memory, 0x01013020, 0x8001200003n);
    expect(example.unit.translate(SOURCE, 0x8080604567, 1)).toBe(-0xc);
  });
});
