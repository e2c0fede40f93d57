import type { PhysMemory } from '@dmalab/phys-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { LegacyExample, EXAMPLE_SOURCE as SOURCE } from '../../testing/legacy-example.ts';
import { put64, putWords } from '../../testing/words.ts';
import type { VtdUnit } from './vtd-unit.ts';

let example: LegacyExample;
let memory: PhysMemory;
let unit: VtdUnit;

/** {low, high} of record 0, then cleared. */
function takeRecord(): [string, string] {
  const record = example.record();
  example.clearRecord();
  return record;
}

beforeEach(() => {
  example = new LegacyExample();
  ({ memory, unit } = example);
});

describe('spec H30: the legacy worked example', () => {
  it('executes the first queue: status dword written, IQH at the tail', () => {
    expect(memory.load32(0x01030000)).toBe(1);
    expect(unit.readRegister(0x80)).toBe(0x30);
    expect(unit.readRegister(0x1c)).toBe(0xc4000000);
  });

  it.each([
    [0x8080604567, 0x01200567],
    [0x8080801234, 0x01401234],
  ])('a write of %x goes to %x', (iova, phys) => {
    expect(unit.translate(SOURCE, iova, 1)).toBe(phys);
    expect(unit.translate(SOURCE, iova, 1)).toBe(phys);
  });

  it.each([
    [0x8080605000, '0000008080605000', '8000000500000018'],
    [0x8080606000, '0000008080606000', '8000000500000018'],
    [0x8080607000, '0000008080607000', '8000000e00000018'],
    [0x1000000000000, '0001000000000000', '8000000400000018'],
  ])('a write of %x is blocked with record {%s, %s}', (iova, low, high) => {
    expect(unit.translate(SOURCE, iova, 1)).toBeLessThan(0);
    expect(unit.readRegister(0x34)).toBe(2);
    expect(takeRecord()).toEqual([low, high]);
    expect(unit.readRegister(0x34)).toBe(0);
  });

  it('a read by a source without context entry is blocked as not present, a read of a write-only page as unreadable', () => {
    putWords(memory, { '0x01001200': [0x01010001n, 0x702n] });
    expect(unit.translate(0x20, 0x8080608000, 0)).toBe(-6);
    expect(takeRecord()[1]).toBe('c000000600000020');
    expect(unit.translate(0x20, 0x8080608123, 1)).toBe(0x01202123);
  });

  it.each<[string, number, bigint, string | null]>([
    ['a misaligned 2 MiB entry', 0x01012020, 0x01401083n, 'c'],
    ['a reserved bit in the context entry', 0x01001180, 0x01010011n, 'b'],
    ['a width that the unit has not', 0x01001188, 0x703n, '3'],
    ['a context entry that is not present', 0x01001180, 0x01010000n, '2'],
    ['a root entry that is not present', 0x01000000, 0x01001000n, '1'],
    ['a reserved bit in the root entry', 0x01000008, 1n, 'a'],
    ['translation type 3', 0x01001180, 0x0101000dn, '3'],
  ])('%s is reported with its reason', (_, at, value, reason) => {
    put64(memory, at, value);
    expect(unit.translate(SOURCE, 0x8080801234, 1)).toBe(-Number.parseInt(reason!, 16));
    expect(takeRecord()[1]).toBe(`8000000${reason}00000018`);
  });

  it('FPD keeps a qualified reason out of the records', () => {
    putWords(memory, { '0x01001180': [0x01010003n, 0x703n] });
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(-3);
    expect(unit.readRegister(0x34)).toBe(0);
  });

  it('a changed leaf stays as it was until its page is invalidated', () => {
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01200567);
    put64(memory, 0x01013020, 0x01203003n);
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01200567);
    putWords(memory, { '0x01020030': [0x0000000000070032n, 0x0000008080604000n] });
    unit.writeRegister(0x88, 0x40);
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01200567);
    unit.step();
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01203567);
  });

  it('an unknown descriptor sets IQE and freezes the head until it is replaced and the tail written', () => {
    putWords(memory, { '0x01020030': [0xfn, 0n] });
    unit.writeRegister(0x88, 0x40);
    unit.step();
    expect(unit.readRegister(0x34)).toBe(0x10);
    expect(unit.readRegister(0x80)).toBe(0x30);
    putWords(memory, { '0x01020030': [0x12n, 0n] });
    unit.writeRegister(0x34, 0x10);
    unit.step();
    expect(unit.readRegister(0x80)).toBe(0x30);
    unit.writeRegister(0x88, 0x40);
    unit.step();
    expect(unit.readRegister(0x80)).toBe(0x40);
  });

  it('AW = 1 walks a root table of three levels', () => {
    put64(memory, 0x01001180, 0x01011001n);
    put64(memory, 0x01001188, 0x701n);
    expect(unit.translate(SOURCE, 0x80604567, 1)).toBe(0x01200567);
    expect(unit.translate(SOURCE, 0x8080604567, 1)).toBe(-4);
  });

  it('sends the fault event once, with the programmed message', () => {
    unit.writeRegister(0x3c, 0x4021);
    unit.writeRegister(0x40, 0xfee01000);
    unit.writeRegister(0x38, 0);
    unit.translate(SOURCE, 0x8080605000, 1);
    unit.translate(SOURCE, 0x8080606000, 1);
    expect(example.messages).toEqual([[0xfee01000, 0x4021]]);
  });
});
