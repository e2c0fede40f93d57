import { PhysMemory } from '@dmalab/phys-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { IotlbGather } from '../core/iotlb-gather.ts';
import { IOMMU_CACHE, IOMMU_MMIO, IOMMU_PRIV, IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { TablePagePool } from '../testing/table-page-pool.ts';
import { word64 } from '../testing/words.ts';
import { EADDRINUSE, EINVAL, ENOMEM, ENXIO, EOVERFLOW, ERANGE } from './errno.ts';
import { FirstStageFormat } from './first-stage-format.ts';
import { PageTable } from './page-table.ts';
import type { PageTableFormat } from './page-table-format.ts';
import { SecondStageFormat } from './second-stage-format.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const ALL_SIZES = 2 ** 12 + 2 ** 21 + 2 ** 30;
const [KIB4, MIB2, GIB1] = [2 ** 12, 2 ** 21, 2 ** 30];

let memory: PhysMemory;
let pages: TablePagePool;
let table: PageTable;
let gather: IotlbGather;

function setUp(format: PageTableFormat, pageCount = 64): void {
  memory = new PhysMemory();
  pages = new TablePagePool(0x1000000, pageCount);
  table = new PageTable(memory, format, pages, pages.allocTablePage());
  gather = new IotlbGather();
}

/** Leaf entries on the way to an address, from the root's down. */
function entries(iova: number): bigint[] {
  const found: bigint[] = [];
  let at = table.root;
  for (let level = table.format.levels; level >= 1; level--) {
    const entry = word64(memory, at + (Math.floor(iova / 2 ** (12 + 9 * (level - 1))) % 512) * 8);
    found.push(entry);
    if ((entry & 1n) === 0n || (level > 1 && (entry & 0x80n) !== 0n)) break;
    at = Number(entry & 0xffffffffff000n);
  }
  return found;
}

beforeEach(() => setUp(new SecondStageFormat(4, ALL_SIZES, 48)));

describe('map', () => {
  it('H18 writes second-stage pointers that end in 403 and leaves with their rights alone', () => {
    table.map(0xfffff000, 0x2bb9000, KIB4, RW);
    const [l4, l3, l2, l1] = entries(0xfffff000);
    expect([l4 & 0xfffn, l3 & 0xfffn, l2 & 0xfffn]).toEqual([0x403n, 0x403n, 0x403n]);
    expect(l1).toBe(0x2bb9003n);
  });

  it.each([
    [IOMMU_READ, 0x1n],
    [IOMMU_WRITE, 0x2n],
    [RW | IOMMU_CACHE | IOMMU_MMIO | IOMMU_PRIV, 0x3n],
  ])('I44 protection %i gives leaf bits %i: cacheable, MMIO and privileged have no effect', (prot, bits) => {
    table.map(0x5000, 0x9000, KIB4, prot);
    expect(entries(0x5000).at(-1)).toBe(0x9000n | bits);
  });

  it.each([
    [IOMMU_READ, 0x25n],
    [RW, 0x67n],
    [IOMMU_WRITE, 0x67n],
  ])('H22 first stage: protection %i gives leaf bits %i, accessed and dirty preset', (prot, bits) => {
    setUp(new FirstStageFormat(4, ALL_SIZES, 48));
    table.map(0x5000, 0x9000, KIB4, prot);
    expect(entries(0x5000).at(-1)).toBe(0x9000n | bits);
    expect(entries(0x5000)[0] & 0xfffn).toBe(0x27n);
  });

  it('I151 uses the largest page that divides both addresses and fits', () => {
    expect(table.map(GIB1 - KIB4, GIB1 * 4 - KIB4, KIB4 + GIB1 + MIB2 + KIB4, RW)).toBe(0);
    expect(table.mappedBytes).toBe(KIB4 + GIB1 + MIB2 + KIB4);
    expect(entries(GIB1 - KIB4)).toHaveLength(4);
    expect(entries(GIB1).at(-1)).toBe(BigInt(GIB1 * 4) | 0x83n);
    expect(entries(GIB1)).toHaveLength(2);
    expect(entries(GIB1 * 2)).toHaveLength(3);
    expect(entries(GIB1 * 2 + MIB2).at(-1)).toBe(BigInt(GIB1 * 5 + MIB2) | 3n);
  });

  it('I152 uses 4 KiB pages alone where there are no others', () => {
    setUp(new SecondStageFormat(3, KIB4, 39));
    table.map(0, 0, MIB2, RW);
    expect(entries(0)).toHaveLength(3);
    expect(table.format.apertureEnd).toBe(2 ** 39 - 1);
  });

  it.each([
    ['no right', 0x1000, 0x1000, KIB4, IOMMU_CACHE, EINVAL],
    ['no length', 0x1000, 0x1000, 0, RW, EINVAL],
    ['an iova outside', 2 ** 48, 0x1000, KIB4, RW, ERANGE],
    ['an end outside', 2 ** 48 - KIB4, 0x1000, 2 * KIB4, RW, ERANGE],
    ['phys too wide', 0x1000, 2 ** 52, KIB4, RW, ERANGE],
    ['overflow', 0x1000, 0x1000, 2 ** 64, RW, EOVERFLOW],
    ['an iova that no page size fits', 0x1800, 0x1000, KIB4, RW, ENXIO],
    ['a length that no page size fits', 0x1000, 0x1000, 0x1800, RW, ENXIO],
  ])('I153 %s: errno', (_, iova, phys, length, prot, errno) => {
    expect(table.map(iova, phys, length, prot)).toBe(errno);
    expect(table.mappedBytes).toBe(0);
  });

  it('I153 refuses what is mapped already, anywhere on the way, and I154 counts what it did before', () => {
    table.map(0x3000, 0x9000, KIB4, RW);
    expect(table.map(0x3000, 0x9000, KIB4, RW)).toBe(EADDRINUSE);
    expect(table.map(0x1000, 0x1000, 4 * KIB4, RW)).toBe(EADDRINUSE);
    expect(table.mappedBytes).toBe(2 * KIB4);
    table.map(GIB1, GIB1, GIB1, RW);
    expect(table.map(GIB1 + 0x5000, 0x1000, KIB4, RW)).toBe(EADDRINUSE);
    expect(table.map(0, GIB1, GIB1, RW)).toBe(EADDRINUSE);
  });

  it('I153 says so when table pages run out', () => {
    setUp(new SecondStageFormat(4, ALL_SIZES, 48), 3);
    expect(table.map(0x1000, 0x1000, KIB4, RW)).toBe(ENOMEM);
  });

  it('I155 a large page takes the place of an empty table, which is handed over', () => {
    table.map(MIB2, 0x9000, KIB4, RW);
    table.unmap(MIB2, KIB4, gather);
    expect(table.map(MIB2, 4 * MIB2, MIB2, RW)).toBe(0);
    expect(table.replaced.count).toBe(1);
    expect([table.replaced.gather.start, table.replaced.gather.end]).toEqual([MIB2, 2 * MIB2 - 1]);
    expect(table.iovaToPhys(MIB2 + 5)).toBe(4 * MIB2 + 5);
  });
});

describe('unmap (spec I156)', () => {
  it('clears a large page whole, even if the length ends inside', () => {
    table.map(0, 0, 2 * MIB2, RW);
    expect(table.unmap(0, KIB4, gather)).toBe(MIB2);
    expect(table.iovaToPhys(5)).toBe(0);
    expect(table.iovaToPhys(MIB2)).toBe(MIB2);
  });

  it('does nothing from inside a large page', () => {
    table.map(MIB2, MIB2, MIB2, RW);
    expect(table.unmap(MIB2 + KIB4, MIB2 - KIB4, gather)).toBe(0);
    expect(table.iovaToPhys(MIB2)).toBe(MIB2);
  });

  it('stops at a hole: what was cleared so far counts', () => {
    table.map(0x1000, 0x1000, 2 * KIB4, RW);
    table.map(0x4000, 0x4000, KIB4, RW);
    expect(table.unmap(0x1000, 4 * KIB4, gather)).toBe(2 * KIB4);
    expect(table.iovaToPhys(0x4000)).toBe(0x4000);
  });

  it('collects a table whose whole span went, and no other', () => {
    table.map(0, 0x40000000 + KIB4, 2 * MIB2, RW);
    expect(table.unmap(0, MIB2 + KIB4, gather)).toBe(MIB2 + KIB4);
    expect(gather.tablePageCount).toBe(1);
    expect(entries(0)).toHaveLength(3);
    expect(table.map(0x5000, 0x9000, KIB4, RW)).toBe(0);
    expect(table.iovaToPhys(0x5000)).toBe(0x9000);
  });

  it('I156 a 4 KiB unmap never frees tables', () => {
    table.map(0x1000, 0x1000, KIB4, RW);
    expect(table.unmap(0x1000, KIB4, gather)).toBe(KIB4);
    expect(table.unmap(0x1000, KIB4, gather)).toBe(0);
    expect(gather.tablePageCount).toBe(0);
    expect(entries(0x1000)).toHaveLength(4);
  });

  it.each([
    [0, 0],
    [2 ** 48, KIB4],
    [-KIB4, KIB4],
  ])('gives 0 for [%i, +%i): out of range or empty', (iova, length) => {
    expect(table.unmap(iova, length, gather)).toBe(0);
  });

  it('destroy gives every table back', () => {
    table.map(0, 0x40000000 + KIB4, 4 * MIB2, RW);
    table.map(2 ** 40, GIB1, GIB1, RW);
    table.destroy();
    expect(pages.inUse).toBe(0);
  });
});

it('builds the same tables in memory that lends no words out', () => {
  setUp(new SecondStageFormat(4, ALL_SIZES, 48));
  const plain = new PhysMemory();
  const wordless = {
    load32: (at: number) => plain.load32(at),
    store32: (at: number, value: number) => plain.store32(at, value),
    store64: (at: number, low: number, high: number) => plain.store64(at, low, high),
  };
  const pool = new TablePagePool(0x1000000, 64);
  const other = new PageTable(wordless, table.format, pool, pool.allocTablePage());
  const both = (call: (table: PageTable) => number): number => {
    const result = call(table);
    expect(call(other)).toBe(result);
    return result;
  };
  for (const iova of [0x5000, 0x6000, 0x8000, 0x5000, 0xfffff000, 2 ** 47 + 0x1000])
    both((t) => t.map(iova, 2 ** 40 + iova, KIB4, RW));
  expect(both((t) => t.mapPage(7, 0x123456, IOMMU_READ))).toBe(0);
  expect(both((t) => t.mapPage(7, 0x123456, IOMMU_READ))).toBe(EADDRINUSE);
  expect(both((t) => t.iovaToPhys(0x7abc))).toBe(0x123456abc);
  expect(both((t) => t.unmapPage(6))).toBe(KIB4);
  expect(both((t) => t.unmap(0x5000, 3 * KIB4, gather))).toBe(KIB4); // up to the hole
  expect(both((t) => t.unmapPage(2 ** 35 + 1))).toBe(KIB4);
  for (let at = 0x1000000; at < 0x1010000; at += 4) expect(memory.load32(at)).toBe(plain.load32(at));
});
