import { beforeEach, describe, expect, it } from 'vitest';
import { LegacyExample, EXAMPLE_SOURCE as SOURCE } from '../../testing/legacy-example.ts';
import { put64, putWords } from '../../testing/words.ts';
import { VTD_PRESETS } from '../capabilities.ts';

const IOVA = 0x8080604567;
const PAGE = 0x0000008080604000n;
/** A second leaf table, which sends the example's page elsewhere. */
const OTHER_TABLE = { '0x01014020': [0x01209003n] };

let example: LegacyExample;
const go = () => example.unit.translate(SOURCE, IOVA, 1);

beforeEach(() => {
  example = new LegacyExample();
  expect(go()).toBe(0x01200567);
});

describe('caches stay as they are until the invalidation that covers them (spec H4, H27, H28)', () => {
  it('H6 a changed table pointer needs an invalidation without the leaf-only hint', () => {
    putWords(example.memory, { ...OTHER_TABLE, '0x01012018': [0x01014003n] });
    example.submit(0x00070032n, PAGE | 0x40n);
    expect(go()).toBe(0x01200567);
    example.submit(0x00070032n, PAGE);
    expect(go()).toBe(0x01209567);
  });

  it.each<[string, bigint[], boolean]>([
    ['all', [0x12n, 0n], true],
    ['the domain', [0x00070022n, 0n], true],
    ['another domain', [0x00080022n, 0n], false],
    ['the page', [0x00070032n, PAGE], true],
    ['a block of 16 pages around it', [0x00070032n, 0x0000008080600004n], true],
    ['the page beside it', [0x00070032n, 0x0000008080605000n], false],
    ['the page in another domain', [0x00080032n, PAGE], false],
    ['contexts only', [0x11n, 0n], false],
  ])('type 2: a changed leaf is seen after an invalidation of %s: %s', (_, descriptor, seen) => {
    put64(example.memory, 0x01013020, 0x01203003n);
    example.submit(...descriptor);
    expect(go()).toBe(seen ? 0x01203567 : 0x01200567);
  });

  it('a large page goes as a whole with any page in it', () => {
    const large = () => example.unit.translate(SOURCE, 0x8080801234, 1);
    expect(large()).toBe(0x01401234);
    put64(example.memory, 0x01012020, 0x01600083n);
    example.submit(0x00070032n, 0x00000080809ff000n);
    expect(large()).toBe(0x01601234);
  });

  it.each<[string, bigint, boolean]>([
    ['all', 0x11n, true],
    ['the domain', 0x00070021n, true],
    ['another domain', 0x00080021n, false],
    ['the source', 0x0000001800070031n, true],
    ['the source under another domain', 0x0000001800080031n, false],
    ['another source', 0x0000001900070031n, false],
    ['function 7 of the device, ignoring function bits', 0x0003001f00070031n, true],
    ['function 4 of it, ignoring bit 2', 0x0001001c00070031n, true],
    ['function 2 of it, ignoring bit 2', 0x0001001a00070031n, false],
  ])('type 1: a cleared context entry is seen after an invalidation of %s: %s', (_, descriptor, seen) => {
    put64(example.memory, 0x01001180, 0n);
    example.submit(descriptor, 0n);
    expect(go()).toBe(seen ? -2 : 0x01200567);
  });

  it('H15 setting the root table pointer invalidates everything where the unit says so (CAP.ESRTPS)', () => {
    put64(example.memory, 0x01001180, 0n);
    example.unit.writeRegister(0x18, 0xc4000000);
    expect(go()).toBe(-2);
    const { cap, ecap } = VTD_PRESETS.qemuLegacy;
    example = new LegacyExample({ cap: cap % 2n ** 63n, ecap });
    go();
    put64(example.memory, 0x01001180, 0n);
    example.unit.writeRegister(0x18, 0xc4000000);
    expect(go()).toBe(0x01200567);
  });

  it('translation that is off passes everything, and on again finds its caches', () => {
    put64(example.memory, 0x01013020, 0x01203003n);
    example.unit.writeRegister(0x18, 0x04000000);
    expect(go()).toBe(IOVA);
    example.unit.writeRegister(0x18, 0x84000000);
    expect(go()).toBe(0x01200567);
  });
});

describe('caching mode: what is absent is cached too (spec H28, I167)', () => {
  beforeEach(() => {
    const { cap, ecap } = VTD_PRESETS.qemuLegacy;
    example = new LegacyExample({ cap: cap | 0x80n, ecap });
  });

  it('a page that became mapped faults until its page is invalidated', () => {
    const absent = () => example.unit.translate(SOURCE, 0x8080606000, 1);
    expect(absent()).toBe(-5);
    put64(example.memory, 0x01013030, 0x01209003n);
    expect(absent()).toBe(-5);
    expect(example.unit.translate(SOURCE, 0x8080606000, 0)).toBeLessThan(0);
    example.submit(0x00070032n, 0x0000008080606000n);
    expect(absent()).toBe(0x01209000);
  });

  it('a read-only page is not absent: a refused write leaves it readable', () => {
    expect(example.unit.translate(SOURCE, 0x8080605000, 1)).toBe(-5);
    expect(example.unit.translate(SOURCE, 0x8080605000, 0)).toBe(0x01201000);
  });

  it.each<[string, bigint, boolean]>([
    ['the source under domain id 0', 0x0000002000000031n, true],
    ['the source under its domain id', 0x0000002000070031n, false],
    ['all', 0x11n, true],
  ])('a context entry that appeared is seen after an invalidation of %s: %s', (_, descriptor, seen) => {
    expect(example.unit.translate(0x20, IOVA, 1)).toBe(-2);
    putWords(example.memory, { '0x01001200': [0x01010001n, 0x702n] });
    example.submit(descriptor, 0n);
    expect(example.unit.translate(0x20, IOVA, 1)).toBe(seen ? 0x01200567 : -2);
  });
});

describe('second-stage accessed and dirty bits (spec H13b, H21 SSADE)', () => {
  it('are set on the way and by the first write, even after a cached read', () => {
    example = new LegacyExample(VTD_PRESETS.full);
    const { memory, unit } = example;
    putWords(memory, {
      '0x01000000': [0x01005001n, 0n],
      '0x01005300': [0x01006001n, 0n, 0n, 0n],
      '0x01006000': [0x01007001n],
      '0x01007000': [0x01010289n, 7n, 0n],
    });
    unit.writeRegister(0x20, 0x01000400);
    unit.writeRegister(0x18, 0xc4000000);
    const leaf = () => memory.load32(0x01013020) & 0xfff;
    expect(unit.translate(SOURCE, IOVA, 0)).toBe(0x01200567);
    expect([leaf(), memory.load32(0x01010008) & 0xfff]).toEqual([0x103, 0x103]);
    expect(unit.translate(SOURCE, IOVA, 1)).toBe(0x01200567);
    expect(leaf()).toBe(0x303);
  });
});

describe('register-based invalidation (spec H14)', () => {
  it.each<[string, number, number, number]>([
    ['all', 0x90000000, 0, 0x12000000],
    ['domain 7', 0xa0000007, 0, 0x24000007],
    ['the page', 0xb0000007, 0x80604000, 0x36000007],
  ])('IOTLB: %s', (_, command, ivaLow, done) => {
    put64(example.memory, 0x01013020, 0x01203003n);
    example.unit.writeRegister(0xf0, ivaLow);
    example.unit.writeRegister(0xf4, 0x80);
    example.unit.writeRegister(0xfc, command);
    expect(go()).toBe(0x01203567);
    expect(example.unit.readRegister(0xfc)).toBe(done);
  });

  it.each([
    ['all', 0, 0xa0000000, 0x28000000],
    ['domain 7', 7, 0xc0000000, 0x50000000],
    ['the source', 0x00180007, 0xe0000000, 0x78000000],
  ])('CCMD: %s', (_, low, command, done) => {
    put64(example.memory, 0x01001180, 0n);
    example.unit.writeRegister(0x28, low);
    example.unit.writeRegister(0x2c, command);
    expect(go()).toBe(-2);
    expect(example.unit.readRegister(0x2c)).toBe(done);
  });
});

it('H4 asks of a cached table whether it still answers before it reads the words it kept', () => {
  let answers = true;
  example = new LegacyExample({ answers: (phys) => answers || phys < 0x01013000 || phys >= 0x01014000 });
  expect(go()).toBe(0x01200567);
  answers = false;
  expect(example.unit.translate(SOURCE, IOVA + 0x1000, 0)).toBe(-7);
  answers = true;
  expect(example.unit.translate(SOURCE, IOVA + 0x1000, 0)).toBe(0x01201567);
});
