import { beforeEach, describe, expect, it } from 'vitest';
import { AmdExample, AMD_EXAMPLE_SOURCE as SOURCE } from '../../testing/amd-example.ts';
import { put64, word64 } from '../../testing/words.ts';
import { AMD_PRESETS } from '../features.ts';

const LEAF = 0x01300020;
const OTHER = 0x6000000001403001n;
const IOVA = 0x8080604567;
const [COMMAND_HEAD, CONTROL, STATUS] = [0x2000, 0x18, 0x2020];
const EVERYTHING = 0x7ffffffffffff003n;
const pagesOf = (domainId: bigint, pasid = 0n) => 0x3000000000000000n | (domainId << 32n) | pasid;

let example: AmdExample;
beforeEach(() => {
  example = new AmdExample();
});

const write = (iova = IOVA) => example.unit.translate(SOURCE, iova, 1);

describe('the IOTLB is stale until invalidated (spec H4, H41)', () => {
  beforeEach(() => {
    expect(write()).toBe(0x01400567);
    put64(example.memory, LEAF, OTHER);
    expect(write()).toBe(0x01400567);
  });

  it.each<[string, bigint, bigint, boolean]>([
    ['the page', pagesOf(7n), 0x8080604000n, true],
    ['another page', pagesOf(7n), 0x8080605000n, false],
    ['another domain', pagesOf(8n), EVERYTHING, false],
    ['two pages, the page first', pagesOf(7n), 0x8080604001n, true],
    ['eight pages around it: lowest zero at bit 14', pagesOf(7n), 0x8080603001n, true],
    ['two pages beside it', pagesOf(7n), 0x8080606001n, false],
    ['2 MiB around it', pagesOf(7n), 0x80806ff001n & ~0x100000n, true],
    ['all of the domain', pagesOf(7n), EVERYTHING, true],
    ['guest translations of it', pagesOf(7n), EVERYTHING | 4n, false],
    ['everything', 0x8000000000000000n, 0n, true],
  ])('INVALIDATE_IOMMU_PAGES of %s', (_, qw0, qw1, drops) => {
    example.submit(qw0, qw1);
    expect(write()).toBe(drops ? 0x01403567 : 0x01400567);
  });
});

describe('the device table entry is stale until invalidated', () => {
  it.each<[string, bigint, number]>([
    ['its own entry', 0x2000000000000018n, -2],
    ['another', 0x2000000000000020n, 0x01401000],
    ['everything', 0x8000000000000000n, -2],
  ])('INVALIDATE_DEVTAB_ENTRY of %s', (_, qw0, answer) => {
    write();
    put64(example.memory, 0x01000300, 0x1303803n); // no rights
    example.submit(qw0, 0n);
    expect(example.unit.translate(SOURCE, 0x8080605000, 0)).toBe(answer);
  });

  it('directories stay without PDE and go with it', () => {
    write();
    put64(example.memory, 0x01301018, 0n);
    put64(example.memory, LEAF, OTHER);
    example.submit(pagesOf(7n), 0x8080604000n);
    expect(write()).toBe(0x01403567);
    example.submit(pagesOf(7n), 0x8080604002n);
    expect(write()).toBe(-2);
  });
});

describe('bad commands stop the buffer (spec H40)', () => {
  it.each<[string, bigint, bigint, string]>([
    ['a code that does not exist', 0xf000000000000000n, 0n, '5000000000000000'],
    ['code 0', 0n, 0n, '5000000000000000'],
    ['a reserved bit', 0x2000000100000018n, 0n, '5000000000000000'],
    ['INVALIDATE_IOMMU_ALL that is not all zero', 0x8000000000000000n, 1n, '5000000000000000'],
  ])('%s', (_, qw0, qw1, event) => {
    example.submit(qw0, qw1, 0x1000000001204001n, 9n);
    expect(example.event()).toEqual([event, '0000000001200040']);
    expect([example.unit.readRegister(COMMAND_HEAD), example.unit.readRegister(STATUS)]).toEqual([0x40, 0x0a]);
    expect(word64(example.memory, 0x01204000)).toBe(0x1122334455667788n);
  });

  it('goes on once software has replaced the command and turned the buffer off and on', () => {
    example.submit(0n, 0n, 0x1000000001204001n, 9n);
    put64(example.memory, 0x01200040, 0x8000000000000000n);
    example.write64(CONTROL, 0x5n);
    example.write64(CONTROL, 0x1005n);
    example.unit.step();
    expect(word64(example.memory, 0x01204000)).toBe(9n);
  });

  it('a buffer or a store that no memory answers is a hardware error', () => {
    example = new AmdExample({ answers: (phys) => phys < 0x02000000 });
    example.submit(0x1000000002000001n, 1n);
    expect(example.event()).toEqual(['6000000000000000', '0000000001200040']);
  });

  it('INVALIDATE_IOMMU_ALL is none where EFR.IA is clear, nor a prefetch where PREF is', () => {
    for (const [efr, code] of [
      [AMD_PRESETS.full.efr & ~0x40n, 0x8000000000000000n],
      [AMD_PRESETS.full.efr & ~1n, 0x6000000000000018n],
    ]) {
      example = new AmdExample({ efr });
      put64(example.memory, 0x01200000, 0x1000000001204001n);
      example.write64(0x08, 0x0900000001200000n);
      put64(example.memory, 0x01200000, code);
      put64(example.memory, 0x01200008, 0n);
      example.write64(CONTROL, 0x5n);
      example.write64(CONTROL, 0x1005n);
      example.unit.writeRegister(0x2008, 0x10);
      example.unit.step();
      expect(example.unit.readRegister(STATUS) & 0x10).toBe(0);
    }
  });
});

describe('COMPLETION_WAIT', () => {
  it('I sets ComWaitInt, and sends a message where that is enabled', () => {
    example.submit(0x1000000000000002n, 0n);
    expect(example.unit.readRegister(STATUS)).toBe(0x1c);
    expect(example.messages).toEqual([]);
    example.unit.writeRegister(STATUS, 4);
    expect(example.unit.readRegister(STATUS)).toBe(0x18);
    example.unit.writeRegister(0x15c, 0xfee00000);
    example.unit.writeRegister(0x164, 0x41);
    example.write64(CONTROL, 0x1015n);
    example.submit(0x1000000000000002n, 0n);
    expect(example.messages).toEqual([[0xfee00000, 0x41]]);
  });
});

describe('INVALIDATE_IOTLB_PAGES reaches the device (spec H13)', () => {
  const seen: [number, number, number][] = [];
  beforeEach(() => {
    seen.length = 0;
    const invalidate = (pasid: number, address: number, lengthBytes: number) => {
      seen.push([pasid, address, lengthBytes]);
      return address !== 0xdead000;
    };
    example.unit.attachDeviceTlb(SOURCE, { invalidate });
  });

  it.each<[string, bigint, bigint, [number, number, number]]>([
    ['one page', 0x4000001820000018n, 0x8080604000n, [-1, 0x8080604000, 4096]],
    ['eight pages', 0x4000001820000018n, 0x8080603001n, [-1, 0x8080600000, 32768]],
    ['everything', 0x4000001820000018n, 0x7ffffffffffff001n, [-1, 0, 2 ** 64]],
    ['a page of a PASID', 0x4034001820120018n, 0x8080604004n, [0x1234, 0x8080604000, 4096]],
  ])('%s', (_, qw0, qw1, call) => {
    example.submit(qw0, qw1);
    expect(seen).toEqual([call]);
  });

  it('a device that does not answer is an event, and the buffer goes on', () => {
    example.submit(0x4000001820000018n, 0xdead000n, 0x1000000001204001n, 3n);
    expect(example.event()).toEqual(['7000000000000018', '0000000001200040']);
    expect(word64(example.memory, 0x01204000)).toBe(3n);
  });

  it('nobody is asked for a device that has no TLB', () => {
    example.unit.detachDeviceTlb(SOURCE);
    example.submit(0x4000001820000018n, 0n);
    expect(seen).toEqual([]);
    expect(example.pending).toBe(0);
  });
});
