import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceRequest } from '../../core/unit/device-request.ts';
import { AmdExample, AMD_EXAMPLE_SOURCE as SOURCE } from '../../testing/amd-example.ts';
import { put64, putWords, word64 } from '../../testing/words.ts';

const DEVICE = 0x01000300;
const DEVTAB = 0x2000000000000018n;
/** Guest table of PASID 5, 4 levels: 0x8080604000 goes to 0x1200000, 0x8080605000 there read-only, a 2 MiB page above. */
const TABLES = {
  '0x01800028': [0x01810001n], // GCR3 table, PASID 5
  '0x01810008': [0x01811007n],
  '0x01811010': [0x01812007n],
  '0x01812018': [0x01813007n],
  '0x01813020': [0x01200007n, 0x01201005n, 0x01202003n],
  '0x01812020': [0x01400087n, 0x01402087n, 0x01814005n],
  '0x01814000': [0x01200007n],
};
const GV = 1n << 55n;
const GIOV = 1n << 54n;
const RIGHTS = 0x6000000000000000n;

let example: AmdExample;
/** The device's entry: GCR3 table at 0x1800000, one level; more bits of the first qword by choice. */
const setDevice = (more: bigint): void => {
  put64(example.memory, DEVICE, 3n | RIGHTS | GV | more);
  put64(example.memory, DEVICE + 8, 7n | (0x300n << 16n)); // bits 30:15 of 0x1800000
  put64(example.memory, DEVICE + 16, 0n);
  example.submit(DEVTAB, 0n);
};

beforeEach(() => {
  example = new AmdExample();
  putWords(example.memory, TABLES);
  example.write64(0x18, 0x11005n);
  setDevice(0n);
});

const ask = (address: number, more: Partial<DeviceRequest> = {}) =>
  example.unit.translateRequest({ sourceId: SOURCE, address, pasid: 5, access: 'write', ...more });

describe('guest tables (spec H38)', () => {
  it.each<[string, number, Partial<DeviceRequest>, number]>([
    ['a page', 0x8080604567, {}, 0x01200567],
    ['a 2 MiB page', 0x8080801234, {}, 0x01401234],
    ['a read of a read-only page', 0x8080605000, { access: 'read' }, 0x01201000],
    ['a supervisor at a page that is none of users', 0x8080606000, { privileged: true }, 0x01202000],
  ])('translate %s', (_, address, more, phys) => expect(ask(address, more)).toBe(phys));

  it.each<[string, number, Partial<DeviceRequest>, string]>([
    ['an absent entry', 0x8080607000, {}, '2021000500000018'],
    ['a write to a read-only page', 0x8080605000, {}, '2071000500000018'],
    ['a write below a read-only directory', 0x8080c00000, {}, '2071000500000018'],
    ['a page that is none of users', 0x8080606000, {}, '2075000500000018'],
    ['a misaligned 2 MiB page', 0x8080a01000, {}, '20b1000500000018'],
    ['a PASID without a table', 0x8080604000, { pasid: 6 }, '2021000600000018'],
    ['a PASID past the GCR3 table', 0x8080604000, { pasid: 0x200 }, '2021020000000018'],
    ['a PASID of more than 16 bits', 0x8080604000, { pasid: 0x10005 }, '2021000500010018'],
    ['an address that is not canonical', 2 ** 47, {}, '2021000500000018'],
  ])('fault at %s, with the PASID where a domain would stand', (_, address, more, event) => {
    expect(ask(address, more)).toBe(-2);
    expect(example.event()[0]).toBe(event);
  });

  it('H13b set A on the way, and D in the leaf of a write', () => {
    ask(0x8080604567, { access: 'read' });
    expect([word64(example.memory, 0x01813020), word64(example.memory, 0x01810008)]).toEqual([
      0x01200027n,
      0x01811027n,
    ]);
    ask(0x8080604567);
    expect(word64(example.memory, 0x01813020)).toBe(0x01200067n);
  });

  it('GN = 1 drops a PASID’s pages and no others; GN = 0 those of the whole domain', () => {
    const stale = () => {
      put64(example.memory, 0x01813020, 0x01200067n);
      example.submit(0x8000000000000000n, 0n);
      ask(0x8080604567);
      put64(example.memory, 0x01813020, 0x01205067n);
    };
    stale();
    example.submit(0x3000000700000006n, 0x8080604004n);
    expect(ask(0x8080604567)).toBe(0x01200567);
    example.submit(0x3000000700000005n, 0x8080604004n);
    expect(ask(0x8080604567)).toBe(0x01205567);
    stale();
    example.submit(0x3000000700000000n, 0x8080604000n);
    expect(ask(0x8080604567)).toBe(0x01205567);
  });

  it('requests without PASID go through host tables, or with GIOV through guest table 0', () => {
    expect(example.unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x8080604567);
    put64(example.memory, 0x01800000, 0x01810001n);
    setDevice(GIOV);
    expect(example.unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01200567);
    put64(example.memory, 0x01813020, 0x01205067n);
    expect(example.unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01200567);
    example.submit(0x3000000700000000n, 0x8080604000n);
    expect(example.unit.translate(SOURCE, 0x8080604567, 1)).toBe(0x01205567);
  });

  it('host tables lie below them where there are any: each guest address is translated', () => {
    putWords(example.memory, { '0x01900000': [0x6000000000000001n] });
    setDevice((2n << 9n) | 0x01900000n);
    expect(ask(0x8080604567)).toBe(-2);
    // Identity for the 2 MiB pages from 0x1000000 to 0x1dfffff, in which all tables and pages of this test are.
    for (let i = 8; i < 15; i++) put64(example.memory, 0x01900000 + i * 8, BigInt(i * 0x200000) | 0x6000000000000001n);
    example.submit(0x3000000700000000n, 0x7ffffffffffff003n);
    expect(ask(0x8080604567)).toBe(0x01200567);
    put64(example.memory, 0x01900000 + 9 * 8, 0n);
    example.submit(0x3000000700000000n, 0x7ffffffffffff003n);
    expect(ask(0x8080604567)).toBe(-2);
    expect(example.event(1)).toEqual(['2020000700000018', '0000008080604567']);
  });

  it('a PASID without guest tables is an invalid request', () => {
    put64(example.memory, DEVICE, 3n | RIGHTS);
    example.submit(DEVTAB, 0n);
    expect(ask(0x8080604567)).toBe(-8);
  });

  it('are illegal while they are off, or of a shape that the unit has not', () => {
    example.write64(0x18, 0x1005n);
    example.submit(DEVTAB, 0n);
    expect(ask(0x8080604567)).toBe(-1);
    example.write64(0x18, 0x11005n);
    setDevice(3n << 56n); // four levels of GCR3 table
    expect(ask(0x8080604567)).toBe(-1);
  });
});
