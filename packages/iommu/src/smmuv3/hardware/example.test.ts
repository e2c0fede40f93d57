import type { PhysMemory } from '@dmalab/phys-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { SmmuExample, EXAMPLE_STREAM as STREAM } from '../../testing/smmuv3-example.ts';
import { put64, putWords } from '../../testing/words.ts';
import type { SmmuV3Unit } from './smmuv3-unit.ts';

const ZERO = '0000000000000000';
let example: SmmuExample;
let memory: PhysMemory;
let unit: SmmuV3Unit;

beforeEach(() => {
  example = new SmmuExample();
  ({ memory, unit } = example);
});

describe('spec H82: the worked example', () => {
  it('executes the first commands', () => {
    expect(unit.readRegister(0x9c)).toBe(3);
    expect(unit.readRegister(0x24)).toBe(0xd);
  });

  it.each([
    [0x8080604567, 0x41400567],
    [0x8080801234, 0x41601234],
  ])('a write of %x goes to %x', (iova, phys) => {
    expect(unit.translate(STREAM, iova, 1)).toBe(phys);
    expect(unit.translate(STREAM, iova, 1)).toBe(phys);
    expect(example.takeEvent()).toBeUndefined();
  });

  it.each([
    ['a read-only page', 0x8080605000, '13'],
    ['an unmapped page', 0x8080606000, '10'],
    ['a page whose access flag is clear', 0x8080607000, '12'],
  ])('a write to %s leaves its event', (_, iova, id) => {
    expect(unit.translate(STREAM, iova, 1)).toBe(-Number.parseInt(id, 16));
    expect(example.takeEvent()).toBe(
      `00000018000000${id} 0000020000000000 ${iova.toString(16).padStart(16, '0')} ${ZERO}`,
    );
  });

  it('a read says so, and may go to a read-only page', () => {
    expect(unit.translate(STREAM, 0x8080606abc, 0)).toBe(-0x10);
    expect(example.takeEvent()).toBe(`0000001800000010 0000020800000000 0000008080606abc ${ZERO}`);
    expect(unit.translate(STREAM, 0x8080605abc, 0)).toBe(0x41401abc);
  });

  it('a changed leaf stays as it was until its page is invalidated', () => {
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(0x41400567);
    put64(memory, 0x41103020, 0x41404763n);
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(0x41400567);
    example.submit(0x0005000000000012n, 0x0000008080604001n, 0x46n, 0n);
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(0x41404567);
  });

  it('a stream entry that is not valid is bad', () => {
    put64(memory, 0x41000600, 0x4101000an);
    example.invalidateAll();
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(-4);
    expect(example.takeEvent()).toBe(`0000001800000004 ${ZERO} ${ZERO} ${ZERO}`);
  });

  const CD = 0x0005e204c0003510n;
  it.each([
    ['A clear where faults always abort', CD & ~(1n << 46n)],
    ['V clear', CD & ~(1n << 31n)],
    ['AA64 clear', CD & ~(1n << 41n)],
    ['S where faults never stall', CD | (1n << 44n)],
    ['HA without the feature', CD | (1n << 43n)],
    ['HD without the feature', CD | (1n << 42n)],
    ['T0SZ = 15', (CD & ~0x3fn) | 15n],
    ['T0SZ = 40', (CD & ~0x3fn) | 40n],
    ['TG0 = 3', CD | 0xc0n],
    ['an upper half that has no size', CD & ~(1n << 30n)],
    ['big-endian tables', CD | (1n << 15n)],
  ])('a context descriptor with %s is bad', (_, descriptor) => {
    put64(memory, 0x41010000, descriptor);
    example.invalidateAll();
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(-0xa);
    expect(example.takeEventId()).toBe(0xa);
  });

  it('a table base past IPS makes a bad descriptor', () => {
    put64(memory, 0x41010008, 2n ** 44n);
    example.invalidateAll();
    unit.translate(STREAM, 0x8080604567, 1);
    expect(example.takeEventId()).toBe(0xa);
  });

  it('a stream past the table is a bad stream id', () => {
    expect(unit.translate(0x100, 0x8080604567, 1)).toBe(-2);
    expect(example.takeEvent()).toBe(`0000010000000002 ${ZERO} ${ZERO} ${ZERO}`);
  });

  it('an aborting stream leaves no event, a bypassing one lets everything through', () => {
    put64(memory, 0x41000600, 1n);
    example.invalidateAll();
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(-0x1000);
    expect(example.takeEvent()).toBeUndefined();
    put64(memory, 0x41000600, 0x9n);
    example.invalidateAll();
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(0x8080604567);
  });
});

describe('spec H82: the second stage', () => {
  const NESTED = 0x41010000n | 0xfn;
  const QW2 = 0x044c355900000009n;

  /** Identity tables of 2 MiB blocks for the RAM that stage 1 of the example lies in, RW, and the given pages over it. */
  function stage2(qw0: bigint): void {
    putWords(memory, {
      '0x41000600': [qw0, qw0 === 0xdn ? 0n : 0xd4n, QW2, 0x41200000n],
      '0x41200000': [0n, 0x41201003n, 0x41202003n],
      '0x41201000': Array.from({ length: 512 }, (_, i) => 0x40000000n + (BigInt(i) << 21n) + 0x7fdn),
      '0x41202018': [0x41203003n],
      '0x41203020': [0x414007ffn, 0x4140177fn, 0n, 0x414023ffn, 0x414037bfn],
    });
    example.invalidateAll();
  }

  it('translates by itself, with rights to read and to write', () => {
    stage2(0xdn);
    expect(unit.translate(STREAM, 0x80604567, 1)).toBe(0x41400567);
    expect(unit.translate(STREAM, 0x80605567, 0)).toBe(0x41401567);
    expect(unit.translate(STREAM, 0x80608567, 1)).toBe(0x41403567);
    expect(unit.translate(STREAM, 0x80605123, 1)).toBe(-0x13);
    expect(example.takeEvent()).toBe('0000001800000013 0000028000000000 0000000080605123 0000000080605000');
    expect(unit.translate(STREAM, 0x80608567, 0)).toBe(-0x13);
    expect(unit.translate(STREAM, 0x80607567, 0)).toBe(-0x12);
    expect(unit.translate(STREAM, 2 ** 39, 0)).toBe(-0x10);
  });

  it('lies below the first one when nested', () => {
    stage2(NESTED);
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(0x41400567);
    unit.translate(STREAM, 0x8080606000, 1);
    expect(example.takeEvent()).toBe(`0000001800000010 0000020000000000 0000008080606000 ${ZERO}`);
  });

  it('a page that only the first stage has is a fault of the second', () => {
    stage2(NESTED);
    put64(memory, 0x41103020, 0x80606763n);
    example.invalidateAll();
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(-0x10);
    expect(example.takeEvent()).toBe('0000001800000010 0000028000000000 0000008080604567 0000000080606000');
  });

  it('a context descriptor that the second stage hides is a read that it refuses', () => {
    stage2(NESTED);
    put64(memory, 0x41201040, 0n);
    example.invalidateAll();
    expect(unit.translate(STREAM, 0x8080604567, 1)).toBe(-0x10);
    expect(example.takeEvent()).toBe('0000001800000010 0000008800000000 0000008080604567 0000000041010000');
  });

  it.each([
    ['AArch32 tables', QW2 & ~(1n << 51n)],
    ['a start level that does not suit the width', QW2 | (2n << 38n)],
    ['stalls', QW2 | (1n << 57n)],
    ['a granule that does not exist', QW2 | (3n << 46n)],
  ])('%s make the stream entry bad', (_, qw2) => {
    stage2(0xdn);
    put64(memory, 0x41000610, qw2);
    example.invalidateAll();
    expect(unit.translate(STREAM, 0x80604567, 1)).toBe(-4);
  });

  it('S2R and R keep translation faults out of the queue', () => {
    stage2(0xdn);
    put64(memory, 0x41000610, QW2 & ~(1n << 58n));
    example.invalidateAll();
    expect(unit.translate(STREAM, 0x80606000, 1)).toBe(-0x10);
    putWords(memory, { '0x41000600': [0x4101000bn], '0x41010000': [0x0005e204c0003510n & ~(1n << 45n)] });
    example.invalidateAll();
    expect(unit.translate(STREAM, 0x8080606000, 1)).toBe(-0x10);
    expect(example.takeEvent()).toBeUndefined();
  });
});
