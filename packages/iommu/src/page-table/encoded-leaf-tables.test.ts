import { PhysMemory } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { IotlbGather } from '../core/iotlb-gather.ts';
import { IOMMU_MMIO, IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { TablePagePool } from '../testing/table-page-pool.ts';
import { AmdV1Format } from './amd-v1-format.ts';
import { EADDRINUSE } from './errno.ts';
import { PageTable } from './page-table.ts';
import { RiscvFormat } from './riscv-format.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const KIB4 = 4096;
const FIRST_TABLE = 0x1000000;

describe.each([
  ['AMD, rights in the high half', () => new AmdV1Format(4)],
  ['RISC-V, page numbers from bit 10 on', () => new RiscvFormat(4, 'first', { memoryTypes: true })],
])('%s', (_, makeFormat) => {
  /** The same calls on a table whose memory gives out words, and on one that goes the long way each time. */
  function twins() {
    const memory = new PhysMemory();
    const plain = new PhysMemory();
    const wordless = {
      load32: (at: number) => plain.load32(at),
      store32: (at: number, value: number) => plain.store32(at, value),
      store64: (at: number, low: number, high: number) => plain.store64(at, low, high),
    };
    const tableIn = (where: typeof wordless) => {
      const pool = new TablePagePool(FIRST_TABLE, 64);
      return new PageTable(where, makeFormat(), pool, pool.allocTablePage());
    };
    const [short, long] = [tableIn(memory), tableIn(wordless)];
    const both = (call: (table: PageTable) => number): number => {
      const result = call(short);
      expect(call(long)).toBe(result);
      return result;
    };
    const expectSameTables = () => {
      for (let at = FIRST_TABLE; at < FIRST_TABLE + 16 * KIB4; at += 4)
        expect(memory.load32(at)).toBe(plain.load32(at));
    };
    return { short, both, expectSameTables };
  }

  it('the short way writes and clears what the long way does', () => {
    const { both, expectSameTables } = twins();
    for (const prot of [RW, IOMMU_READ, RW | IOMMU_MMIO]) {
      for (let page = 0; page < 4; page++) {
        expect(both((t) => t.mapPage(prot * 8 + page, 2 ** 38 + 0x123456 + page, prot))).toBe(0);
      }
    }
    expect(both((t) => t.mapPage(RW * 8, 1, RW))).toBe(EADDRINUSE);
    expect(both((t) => t.iovaToPhys(RW * 8 * KIB4 + 0x1abc))).toBe((2 ** 38 + 0x123457) * KIB4 + 0xabc);
    expect(both((t) => t.unmapPage(RW * 8 + 1))).toBe(KIB4);
    expect(both((t) => t.unmap(RW * 8 * KIB4, 3 * KIB4, new IotlbGather()))).toBe(KIB4); // up to the hole
    expectSameTables();
  });

  it('hands out the page number that it clears, and none where there is no page', () => {
    const { short } = twins();
    short.mapPage(5, 2 ** 38 + 7, RW);
    expect(short.leafTables.write(6, 2 ** 39 + 9, RW)).toBe(true);
    expect([5, 6, 6, 7].map((pfn) => short.leafTables.take(pfn))).toEqual([2 ** 38 + 7, 2 ** 39 + 9, -1, -1]);
    expect(short.leafTables.write(7, 2 ** 40, RW)).toBe(false);
    expect(short.leafTables.write(7, 1, IOMMU_MMIO)).toBe(false);
  });

  it('a table with a page of several entries is not worked on one entry at a time until that is gone', () => {
    const { short, both, expectSameTables } = twins();
    both((t) => t.mapPage(64, 1, RW));
    both((t) => t.map(0, 0x40000000, 0x10000, RW)); // 64 KiB: one page of 16 entries
    expect(short.leafTables.find(64)).toBe(null);
    expect(both((t) => t.unmapPage(3))).toBe(0);
    both((t) => t.mapPage(65, 2, RW));
    expect(short.leafTables.find(64)).toBe(null);
    expect(both((t) => t.unmapPage(0))).toBe(0x10000);
    both((t) => t.mapPage(66, 3, RW));
    expect(short.leafTables.find(64)).not.toBe(null);
    expectSameTables();
  });
});
