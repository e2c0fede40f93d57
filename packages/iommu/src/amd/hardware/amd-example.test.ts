import { beforeEach, describe, expect, it } from 'vitest';
import { AmdExample, AMD_EXAMPLE_SOURCE as SOURCE } from '../../testing/amd-example.ts';
import { put64, word64 } from '../../testing/words.ts';
import { AMD_PRESETS } from '../features.ts';
import { AMD_BLOCKED } from './translator.ts';

const DEVICE = 0x01000300;
const STATUS = 0x2020;
const DEVTAB = 0x2000000000000018n;
const PAGES = 0x3000000700000000n;
const EVERYTHING = 0x7ffffffffffff003n;
const IO_PAGE_FAULT = -2;

let example: AmdExample;
beforeEach(() => {
  example = new AmdExample();
});

const write = (address: number) => example.unit.translate(SOURCE, address, 1);
const read = (address: number) => example.unit.translate(SOURCE, address, 0);

describe('H56 the worked example', () => {
  it('runs, and its four commands are done', () => {
    expect(example.unit.readRegister(STATUS)).toBe(0x18);
    expect(example.unit.readRegister(0x2000)).toBe(0x40);
    expect(word64(example.memory, 0x01204000)).toBe(0x1122334455667788n);
  });

  it.each([
    ['a page', 0x8080604567, 0x01400567],
    ['a 16 KiB page of four entries', 0x808060a345, 0x0140a345],
    ['a 2 MiB page', 0x8080801234, 0x01601234],
    ['a 4 MiB page of two entries', 0x8080f45678, 0x01b45678],
  ])('a write goes through %s', (_, iova, phys) => expect(write(iova)).toBe(phys));

  it('a write to a read-only page leaves a record with domain, address and flags', () => {
    expect(write(0x8080605000)).toBe(IO_PAGE_FAULT);
    expect(example.event()).toEqual(['2070000700000018', '0000008080605000']);
    expect(read(0x8080605000)).toBe(0x01401000);
  });

  it('H36 skips levels, and only for addresses whose skipped bits are zero', () => {
    put64(example.memory, DEVICE, 0x6000000001310803n);
    example.submit(DEVTAB, 0n, PAGES, EVERYTHING);
    expect(write(0x8000a00777)).toBe(0x01600777);
    expect(write(0x8040a00777)).toBe(IO_PAGE_FAULT);
    expect(example.event()).toEqual(['2020000700000018', '0000008040a00777']);
  });
});

describe('H56 as QEMU answers', () => {
  beforeEach(() => {
    example = new AmdExample({ ...AMD_PRESETS.qemu, deviations: 'qemu' });
  });

  it('translates alike, and its record has neither domain nor address', () => {
    expect(write(0x8080604567)).toBe(0x01400567);
    expect(write(0x8080605000)).toBe(IO_PAGE_FAULT);
    expect(example.event()).toEqual(['200a000000000018', '0000000000000000']);
  });

  it('H39 takes rights from the leaf alone, and checks no skipped bits', () => {
    put64(example.memory, DEVICE, 0x2000000001310803n);
    expect(write(0x8040a00777)).toBe(0x01600777);
  });

  it('H121 a device passes until its entry is invalidated', () => {
    put64(example.memory, 0x01000400, 0x6000000001303803n);
    put64(example.memory, 0x01000408, 9n);
    expect(example.unit.translate(0x20, 0x8080604567, 1)).toBe(0x8080604567);
    example.submit(0x2000000000000020n, 0n);
    expect(example.unit.translate(0x20, 0x8080604567, 1)).toBe(0x01400567);
  });

  it('H41 goes on after a bad command, with an event', () => {
    example.submit(0xf000000000000000n, 0n, 0x1000000001204001n, 5n);
    expect(word64(example.memory, 0x01204000)).toBe(5n);
    expect(example.event()).toEqual(['5000000000000000', '0000000001200040']);
  });

  it('H41 a page invalidation drops all of its domain', () => {
    write(0x8080604567);
    put64(example.memory, 0x01300020, 0x6000000001403001n);
    example.submit(PAGES, 0x0n);
    expect(write(0x8080604567)).toBe(0x01403567);
  });
});

describe('device table entries (spec H34, H39)', () => {
  const ENTRY = 0x6000000001303803n;
  const withEntry = (qw0: bigint, qw1 = 7n): void => {
    put64(example.memory, DEVICE, qw0);
    put64(example.memory, DEVICE + 8, qw1);
    example.submit(DEVTAB, 0n);
  };

  it.each<[string, bigint, number, string[]]>([
    ['V = 0 passes', 0n, 0x8080604567, []],
    ['TV = 0 aborts without an event', ENTRY & ~2n, AMD_BLOCKED, []],
    ['a reserved bit is illegal', ENTRY | 4n, -1, ['10a0000000000018', '0000008080604567']],
    ['Mode 7 is illegal', ENTRY | 0xe00n, -1, ['10a0000000000018', '0000008080604567']],
    ['neither IR nor IW', 0x1303803n, IO_PAGE_FAULT, ['2070000700000018', '0000008080604567']],
    ['IW = 0 outweighs the leaf', 0x2000000001303803n, IO_PAGE_FAULT, ['2070000700000018', '0000008080604567']],
    ['Mode 0 is the address itself', 0x6000000000000003n, 0x8080604567, []],
    [
      'Mode 0 with the rights of the entry',
      0x2000000000000003n,
      IO_PAGE_FAULT,
      ['2070000700000018', '0000008080604567'],
    ],
    ['Mode 3 ends at 2^39', 0x6000000001302603n, IO_PAGE_FAULT, ['2020000700000018', '0000008080604567']],
  ])('%s', (_, qw0, answer, event) => {
    withEntry(qw0);
    expect(write(0x8080604567)).toBe(answer);
    expect(example.pending).toBe(event.length / 2);
    if (event.length > 0) expect(example.event()).toEqual(event);
  });

  it('devices of one domain keep rights of their own: no translation of one lets the other write', () => {
    for (const [i, word] of [0x2000000001303803n, 7n, 0n, 0n].entries())
      put64(example.memory, 0x01000400 + i * 8, word);
    expect(write(0x8080604567)).toBe(0x01400567);
    expect(example.unit.translate(0x20, 0x8080604567, 0)).toBe(0x01400567);
    expect(example.unit.translate(0x20, 0x8080604567, 1)).toBe(IO_PAGE_FAULT);
    expect(write(0x8080604567)).toBe(0x01400567);
  });
});
