import { beforeEach, describe, expect, it } from 'vitest';
import { LegacyExample } from '../../testing/legacy-example.ts';

const FSTS = 0x34;
const IQH = 0x80;

let example: LegacyExample;
beforeEach(() => {
  example = new LegacyExample();
});

describe('the invalidation queue (spec H28)', () => {
  it('does nothing until the unit steps: register writes cause no memory access', () => {
    example.unit.writeRegister(0x88, 0x40);
    expect(example.unit.readRegister(IQH)).toBe(0x30);
    example.unit.step();
    expect(example.unit.readRegister(FSTS)).toBe(0x10);
  });

  it.each<[string, bigint[], number]>([
    ['type 0', [0n, 0n], 3],
    ['an unknown type', [0xan, 0n], 3],
    ['type 6 in a 128-bit queue', [0x26n, 0n], 3],
    ['a reserved bit', [0x112n, 0n], 4],
    ['the high bits of the type', [0x212n, 0n], 4],
    ['a reserved bit of the second qword', [0x32n, 0x80n], 4],
    ['granularity 0', [0x02n, 0n], 4],
    ['an order above MAMV', [0x32n, 0x13n], 4],
  ])('%s stops it on the descriptor', (_, descriptor, error) => {
    example.submit(...descriptor);
    expect(example.unit.readRegister(FSTS)).toBe(0x10);
    expect(example.unit.readRegister(0xb0)).toBe(error);
    expect(example.unit.readRegister(IQH)).toBe(0x30);
  });

  it('a tail past the queue is an error', () => {
    example.unit.writeRegister(0x88, 0x1000);
    example.unit.step();
    expect(example.unit.readRegister(FSTS)).toBe(0x10);
  });

  it('a wait with IF completes with ICS and its interrupt', () => {
    example.unit.writeRegister(0xa4, 0x4022);
    example.unit.writeRegister(0xa8, 0xfee02000);
    example.unit.writeRegister(0xa0, 0);
    example.submit(0x15n, 0n);
    expect(example.unit.readRegister(0x9c)).toBe(1);
    expect(example.messages).toEqual([[0xfee02000, 0x4022]]);
    example.unit.writeRegister(0x9c, 1);
    expect(example.unit.readRegister(0x9c)).toBe(0);
  });

  it('wraps at the end of its pages', () => {
    for (let slot = 3; slot < 255; slot++) example.submit(0x12n, 0n);
    expect(example.unit.readRegister(IQH)).toBe(0xff0);
    example.unit.writeRegister(0x88, 0x10);
    example.memory.store32(0x01020ff0, 0x12);
    example.unit.step();
    expect(example.unit.readRegister(IQH)).toBe(0x10);
    expect(example.unit.readRegister(FSTS)).toBe(0);
  });
});
