import { PhysMemory } from '@dmalab/phys-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { IotlbGather } from '../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { TablePagePool } from '../testing/table-page-pool.ts';
import { word64 } from '../testing/words.ts';
import { AMD_PAGE_SIZES, AmdV1Format, sizedPageBytes } from './amd-v1-format.ts';
import { EADDRINUSE, ENOMEM, ERANGE } from './errno.ts';
import { PageTable } from './page-table.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const ROOT = 0x1000000;
const FIRST = 0x1001000;
const [KIB4, MIB2, GIB1] = [2 ** 12, 2 ** 21, 2 ** 30];

let memory: PhysMemory;
let pages: TablePagePool;
let table: PageTable;
let gather: IotlbGather;

function setUp(format: AmdV1Format, pageCount = 64): void {
  memory = new PhysMemory();
  pages = new TablePagePool(ROOT, pageCount);
  table = new PageTable(memory, format, pages, pages.allocTablePage());
  gather = new IotlbGather();
}

beforeEach(() => setUp(new AmdV1Format(2)));

describe('entries (spec H35 to H37)', () => {
  it.each([
    [RW, 0x6000000000009001n],
    [IOMMU_READ, 0x2000000000009001n],
    [IOMMU_WRITE, 0x4000000000009001n],
  ])('H35 protection %i is a leaf with IR and IW, NextLevel 0', (prot, leaf) => {
    table.map(0x5000, 0x9000, KIB4, prot);
    expect(word64(memory, FIRST + 5 * 8)).toBe(leaf);
    expect(word64(memory, ROOT)).toBe(0x6000000001001201n);
  });

  it.each([
    ['8 KiB, two entries', 0x4000, 0x8000, 0x2000, FIRST + 4 * 8, 2, 0x6000000000008e01n],
    ['16 KiB, four entries, as in H56', 0x8000, 0x1408000, 0x4000, FIRST + 8 * 8, 4, 0x6000000001409e01n],
    ['1 MiB, 256 entries', 2 ** 20, 2 ** 20, 2 ** 20, FIRST + 256 * 8, 256, 0x600000000017fe01n],
    ['2 MiB, one entry of level 2', MIB2, 2 * MIB2, MIB2, ROOT + 8, 1, 0x6000000000400001n],
    ['4 MiB, two entries of level 2, as in H56', 2 * MIB2, 12 * MIB2, 2 * MIB2, ROOT + 16, 2, 0x60000000019ffe01n],
  ])('H37 a page of %s', (_, iova, phys, length, at, count, entry) => {
    expect(table.map(iova, phys, length, RW)).toBe(0);
    for (let i = -1; i <= count; i++) {
      expect(word64(memory, at + i * 8)).toBe(i >= 0 && i < count ? entry : 0n);
    }
    expect(table.iovaToPhys(iova + length - 1)).toBe(phys + length - 1);
  });

  it.each([
    [0xe01, 0, 2 ** 13],
    [0x1e01, 0, 2 ** 14],
    [0x7ffffe01, 0, 2 ** 32],
    [0xfffffe01, 0, 2 ** 33],
    [0xfffffe01, 0x6000007f, 2 ** 40],
  ])('H37 the lowest zero of address bits %i, %i gives the size', (low, high, bytes) => {
    expect(sizedPageBytes(low, high)).toBe(bytes);
  });

  it('I152 never writes a page of 512 GiB', () => {
    setUp(new AmdV1Format(4));
    table.map(2 ** 40, 2 ** 39, 2 ** 39, RW);
    const level3 = Number(word64(memory, ROOT + 2 * 8) & 0xffffff000n);
    expect([0, 255, 256, 511].map((index) => word64(memory, level3 + index * 8))).toEqual([
      0x6000009ffffffe01n,
      0x6000009ffffffe01n,
      0x600000dffffffe01n,
      0x600000dffffffe01n,
    ]);
  });
});

describe('several entries to a page', () => {
  it('I156 a page goes whole, all its entries, and none when the request begins inside it', () => {
    table.map(0x4000, 0x8000, 0x4000, RW);
    expect(table.unmap(0x5000, KIB4, gather)).toBe(0);
    expect(table.unmapPage(5)).toBe(0);
    expect(table.unmap(0x4000, KIB4, gather)).toBe(0x4000);
    for (let page = 4; page < 8; page++) expect(word64(memory, FIRST + page * 8)).toBe(0n);
  });

  it('I153 one taken entry of several refuses the page, and nothing is written', () => {
    table.map(0x7000, 0x1000, KIB4, RW);
    expect(table.map(0x4000, 0x8000, 0x4000, RW)).toBe(EADDRINUSE);
    expect(table.mappedBytes).toBe(0);
    expect(word64(memory, FIRST + 4 * 8)).toBe(0n);
  });

  it('I155 a page of two entries takes the place of two empty tables', () => {
    table.map(2 * MIB2, 0x9000, KIB4, RW);
    table.map(3 * MIB2, 0x9000, KIB4, RW);
    table.unmap(2 * MIB2, KIB4, gather);
    expect(table.map(2 * MIB2, 4 * MIB2, 2 * MIB2, RW)).toBe(EADDRINUSE);
    expect(table.replaced.count).toBe(1);
    expect(word64(memory, ROOT + 2 * 8)).toBe(0n);
    table.unmap(3 * MIB2, KIB4, gather);
    expect(table.map(2 * MIB2, 4 * MIB2, 2 * MIB2, RW)).toBe(0);
    expect(table.replaced.count).toBe(2);
  });
});

describe('a root that grows (spec H34)', () => {
  it('puts a root on top for an address that has no place, and keeps what was mapped', () => {
    table.map(0x5000, 0x9000, KIB4, RW);
    const before = table.root;
    expect(table.map(2 ** 39, 0xa000, KIB4, RW)).toBe(0);
    expect([table.levels, table.root === before]).toEqual([4, false]);
    expect([table.iovaToPhys(0x5000), table.iovaToPhys(2 ** 39)]).toEqual([0x9000, 0xa000]);
    expect(word64(memory, table.root) & 0xfffn).toBe(0x601n);
    table.destroy();
    expect(pages.inUse).toBe(0);
  });

  it('finds nothing above the root, and unmaps nothing there', () => {
    expect(table.iovaToPhys(GIB1)).toBe(0);
    expect(table.unmap(GIB1, KIB4, gather)).toBe(0);
    expect(table.levels).toBe(2);
  });

  it('stops at the most levels that the unit walks, and where pages run out', () => {
    setUp(new AmdV1Format(2, 3), 1);
    expect(table.map(2 ** 39, 0, KIB4, RW)).toBe(ERANGE);
    expect(table.map(GIB1, 0, KIB4, RW)).toBe(ENOMEM);
    expect(table.levels).toBe(2);
  });

  it('a page as large as all that the tables translate is several smaller ones', () => {
    setUp(new AmdV1Format(2, 2));
    expect(table.map(0, GIB1, GIB1, RW)).toBe(0);
    expect(word64(memory, ROOT)).toBe(word64(memory, ROOT + 255 * 8));
    expect(word64(memory, ROOT + 256 * 8)).not.toBe(word64(memory, ROOT));
    expect(table.iovaToPhys(GIB1 - 1)).toBe(2 * GIB1 - 1);
  });
});

it('I152 has every power of two from 4 KiB up but 512 GiB', () => {
  for (let shift = 12; shift < 52; shift++) {
    expect(Math.floor(AMD_PAGE_SIZES / 2 ** shift) % 2).toBe(shift === 39 ? 0 : 1);
  }
});
