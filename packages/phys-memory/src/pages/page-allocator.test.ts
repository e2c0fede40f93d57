import { beforeEach, describe, expect, it } from 'vitest';
import { AddressMap } from '../map/address-map.ts';
import { q35AddressMap } from '../map/q35-map.ts';
import { PhysMemory } from '../memory/phys-memory.ts';
import { Buddy } from './buddy.ts';
import { GFP_COMP, GFP_DMA, GFP_DMA32, GFP_HIGHMEM, GFP_KERNEL, GFP_MOVABLE, GFP_ZERO } from './gfp.ts';
import { MigrateType } from './migrate-type.ts';
import { nodeFallbackOrders } from './node-order.ts';
import { PageAllocator } from './page-allocator.ts';
import { PageColumns, PageFlag } from './page-columns.ts';
import { PageDescriptors } from './page-descriptors.ts';
import { PageError } from './page-error.ts';
import { X86_32_ZONES } from './zone-layout.ts';

const GIB = 2 ** 30;
const { MOVABLE, UNMOVABLE, CMA } = MigrateType;

function buddyOver(first: number, last: number): Buddy {
  const zone = { type: 0, node: 0, startPfn: first, spanned: last - first + 1, present: last - first + 1 };
  const buddy = new Buddy({ ...zone, ranges: [{ first, last }] }, new PageColumns(() => {}));
  buddy.release({ first, last });
  return buddy;
}

describe('the buddy of one zone', () => {
  it('P93 splits from below and merges back to where it began', () => {
    const buddy = buddyOver(0, 15);
    expect([0, 0, 0].map((order) => buddy.allocate(order, UNMOVABLE))).toEqual([0, 1, 2]);
    for (const pfn of [0, 2, 1]) buddy.free(pfn, 0);
    expect(buddy.lists.length(4, UNMOVABLE)).toBe(1);
    expect(buddy.lists.freePages).toBe(16);
    expect(buddy.allocate(2, UNMOVABLE)).toBe(0);
  });

  it('P38 puts the upper halves at the heads of their lists', () => {
    const buddy = buddyOver(0, 15);
    buddy.allocate(1, UNMOVABLE); // leaves 2 of order 1, 4 of order 2, 8 of order 3
    expect([1, 2, 3].map((order) => buddy.lists.first(order, UNMOVABLE))).toEqual([2, 4, 8]);
  });

  it('P41 cuts a range into the largest aligned blocks, ascending', () => {
    const buddy = buddyOver(3, 2100);
    const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((order) => buddy.lists.length(order, UNMOVABLE));
    expect(sizes).toEqual([2, 0, 2, 1, 2, 2, 1, 1, 1, 1, 1]); // 3, 4 to 1023 by doubling, 1024 whole, then 2048, 2080, 2096, 2100
    expect([buddy.allocate(0, UNMOVABLE), buddy.allocate(0, UNMOVABLE)]).toEqual([3, 2100]);
  });

  it('P41 hands out untouched largest blocks in ascending order, after those that came back', () => {
    const buddy = buddyOver(0, 4095);
    const first = buddy.allocate(10, UNMOVABLE);
    const second = buddy.allocate(10, UNMOVABLE);
    buddy.free(first, 10);
    expect([first, second]).toEqual([0, 1024]);
    expect([0, 0, 0, 0].map(() => buddy.allocate(10, UNMOVABLE))).toEqual([0, 2048, 3072, -1]);
  });

  it('P40 puts a block at the tail when the block beside its parent is free, for it will probably merge', () => {
    const buddy = buddyOver(0, 15);
    const pages = Array.from({ length: 16 }, () => buddy.allocate(0, UNMOVABLE));
    expect(pages).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    buddy.free(8, 0);
    buddy.free(2, 0); // parent 2-3, beside it 0-1: allocated
    expect(buddy.lists.first(0, UNMOVABLE)).toBe(2); // head
    buddy.free(0, 0);
    buddy.free(1, 0); // 0-1 merged
    expect(buddy.lists.first(0, UNMOVABLE)).toBe(2);
    buddy.free(4, 0);
    buddy.free(5, 0); // 4-5 merged
    buddy.free(7, 0); // parent 6-7, beside it 4-5: free
    expect([0, 0, 0].map(() => buddy.allocate(0, UNMOVABLE))).toEqual([2, 8, 7]);
  });

  it('P40 does not merge CMA with other blocks of 2 MiB, but merges ordinary ones', () => {
    const buddy = buddyOver(0, 1023);
    const columns = new PageColumns(() => {});
    const zone = { type: 0, node: 0, startPfn: 0, spanned: 1024, present: 1024, ranges: [{ first: 0, last: 1023 }] };
    const withCma = new Buddy(zone, columns);
    columns.setBlockType(512, CMA);
    withCma.release({ first: 0, last: 511 });
    withCma.adopt(512, 9);
    expect([withCma.lists.length(9, UNMOVABLE), withCma.lists.length(9, CMA)]).toEqual([1, 1]);
    expect(buddy.allocate(9, UNMOVABLE)).toBe(0);
    buddy.free(0, 9);
    expect(buddy.lists.length(10, UNMOVABLE)).toBe(1);
  });

  it('P39 claims a whole largest block for another type, the rest of it following', () => {
    const buddy = buddyOver(0, 2047);
    expect(buddy.allocate(0, MOVABLE)).toBe(-1);
    expect(buddy.allocateFromOthers(0, MOVABLE)).toBe(0);
    expect(buddy.allocate(9, MOVABLE)).toBe(512);
    expect(buddy.allocate(0, UNMOVABLE)).toBe(1024);
  });

  it('P39 claims a block of 2 MiB when half of it is free, and steals the smallest piece otherwise', () => {
    const buddy = buddyOver(0, 511);
    const quarter = buddy.allocate(7, UNMOVABLE);
    expect(buddy.allocateFromOthers(0, MOVABLE)).toBe(128); // 384 of 512 pages are free: the block becomes movable
    expect([quarter, buddy.allocate(0, UNMOVABLE)]).toEqual([0, -1]);

    const full = buddyOver(0, 511);
    for (let pfn = 0; pfn < 508; pfn++) full.allocate(0, UNMOVABLE);
    expect(full.allocateFromOthers(0, MOVABLE)).toBe(508);
    expect(full.allocate(0, UNMOVABLE)).toBe(509); // the remainder kept its type
  });
});

describe('the page allocator', () => {
  let memory: PhysMemory;
  let allocator: PageAllocator;

  beforeEach(() => {
    memory = new PhysMemory();
    allocator = new PageAllocator(new PageDescriptors(q35AddressMap(5 * GIB)), memory);
  });

  it.each([
    ['GFP_KERNEL', GFP_KERNEL, 0x100000, 0x1c0000],
    ['GFP_DMA32', GFP_DMA32, 0x1000, 0x100000],
    ['GFP_DMA', GFP_DMA, 1, 0x1000],
    ['GFP_HIGHMEM where that zone is not built in', GFP_HIGHMEM, 0x100000, 0x1c0000],
  ])('P29 takes %s from its zone', (_, gfp, from, below) => {
    const pfn = allocator.allocPages(gfp, 0);
    expect(pfn >= from && pfn < below).toBe(true);
  });

  it('P29 refuses DMA together with DMA32', () => {
    expect(() => allocator.allocPages(GFP_DMA | GFP_DMA32, 0)).toThrow(
      expect.objectContaining({ code: 'ERR_GFP_FLAGS' }),
    );
  });

  it('P30 falls back downwards only', () => {
    const drain = (gfp: number) => {
      let blocks = 0;
      while (allocator.allocPages(gfp, 10) >= 0) blocks++;
      return blocks;
    };
    const dma = drain(GFP_DMA);
    expect(dma).toBe(3); // 1 to 16 MiB: the first 3 MiB have no aligned 4 MiB
    drain(GFP_DMA32);
    expect(allocator.allocPages(GFP_KERNEL, 10)).toBeGreaterThanOrEqual(0x100000);
    const normal = drain(GFP_KERNEL);
    expect(normal).toBe(767);
    expect(allocator.allocPages(GFP_KERNEL, 10)).toBe(-1);
  });

  it('P42 P94 aligns a block to its size and keeps the surplus', () => {
    const free = allocator.zoneFigures()[2].free;
    const pfn = allocator.allocPages(GFP_KERNEL, 2);
    expect((pfn * 4096) % 16384).toBe(0);
    expect(free - allocator.zoneFigures()[2].free).toBe(4);
  });

  it('P43 has one reference in the first page and frees the block with the last', () => {
    const pfn = allocator.allocPages(GFP_KERNEL, 1, 0, 77);
    const { pages } = allocator;
    expect([pages.count(pfn), pages.count(pfn + 1), pages.columns.owner(pfn)]).toEqual([1, 0, 77]);
    allocator.getPage(pfn);
    allocator.freePages(pfn, 1);
    expect(allocator.stateOf(pfn)).toBe('allocated');
    allocator.putPage(pfn);
    expect(allocator.stateOf(pfn)).toBe('free');
  });

  it('P43 clears bytes only when asked to, and has no order above 10', () => {
    const pfn = allocator.allocPages(GFP_KERNEL, 0);
    memory.store32(pfn * 4096, 0xdeadbeef);
    allocator.freePages(pfn, 0);
    expect(allocator.allocPages(GFP_KERNEL, 0)).toBe(pfn);
    expect(memory.load32(pfn * 4096)).toBe(0xdeadbeef);
    allocator.freePages(pfn, 0);
    expect(allocator.allocPages(GFP_ZERO, 0)).toBe(pfn);
    expect(memory.load32(pfn * 4096)).toBe(0);
    expect(allocator.allocPages(GFP_KERNEL, 11)).toBe(-1);
  });

  it('P13 marks the pages of a compound', () => {
    const { columns } = allocator.pages;
    const pfn = allocator.allocPages(GFP_COMP, 2);
    const flags = () => [0, 1, 2, 3].map((i) => columns.flags(pfn + i) & (PageFlag.HEAD | PageFlag.TAIL));
    expect(flags()).toEqual([PageFlag.HEAD, PageFlag.TAIL, PageFlag.TAIL, PageFlag.TAIL]);
    allocator.freePages(pfn, 2);
    expect(flags()).toEqual([0, 0, 0, 0]);
  });

  it.each([
    [
      'freed twice',
      (pfn: number) => {
        allocator.freePages(pfn, 1);
        allocator.freePages(pfn, 1);
      },
      'ERR_PAGE_NOT_ALLOCATED',
    ],
    ['freed with another order', (pfn: number) => allocator.freePages(pfn, 0), 'ERR_PAGE_ORDER'],
    ['freed in its middle', (pfn: number) => allocator.freePages(pfn + 1, 0), 'ERR_PAGE_NOT_ALLOCATED'],
    ['reserved', () => allocator.freePages(0x50, 0), 'ERR_PAGE_NOT_ALLOCATED'],
    ['a BAR', () => allocator.getPage(0xfebd4), 'ERR_NO_PAGE_DESCRIPTOR'],
  ])('refuses a block that is %s, naming it', (_, misuse, code) => {
    const pfn = allocator.allocPages(GFP_KERNEL, 1);
    expect(() => misuse(pfn)).toThrow(PageError);
    expect(() => misuse(pfn)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/physical 0x[0-9a-f]+/) }),
    );
    const fresh = allocator.allocPages(GFP_KERNEL, 1);
    expect(() => misuse(fresh)).toThrow(expect.objectContaining({ code }));
  });

  it('tells an observer of every block', () => {
    const seen: unknown[] = [];
    allocator.observer = {
      allocated: (pfn, order, isZeroed) => seen.push(['allocated', pfn, order, isZeroed]),
      freed: (pfn, order) => seen.push(['freed', pfn, order]),
    };
    const pfn = allocator.allocPages(GFP_ZERO, 1);
    allocator.putPage(pfn);
    expect(seen).toEqual([
      ['allocated', pfn, 1, true],
      ['freed', pfn, 1],
    ]);
  });

  it('P93 hands out no block across 16 MiB or 4 GiB', () => {
    for (let pfn = allocator.allocPages(GFP_KERNEL, 10); pfn >= 0; pfn = allocator.allocPages(GFP_KERNEL, 10)) {
      for (const border of [0x1000, 0x100000]) expect(pfn < border && pfn + 1024 > border).toBe(false);
    }
  });
});

describe('nodes', () => {
  it('P33 look at home first, then by distance, ties balanced', () => {
    expect(
      nodeFallbackOrders([
        [10, 20],
        [20, 10],
      ]),
    ).toEqual([
      [0, 1],
      [1, 0],
    ]); // prettier-ignore
    const square = [0, 1, 2, 3].map((from) => [0, 1, 2, 3].map((to) => (from === to ? 10 : 20)));
    const second = nodeFallbackOrders(square).map((order) => order[1]);
    expect(new Set(second).size).toBeGreaterThan(2);
    expect(
      nodeFallbackOrders([
        [10, 40, 20],
        [40, 10, 20],
        [20, 20, 10],
      ])[0],
    ).toEqual([0, 2, 1]); // prettier-ignore
  });

  it('P33 take a remote page only after all local zones', () => {
    const nodes = [{ ranges: [{ start: 0, end: 4 * GIB - 1 }] }, { ranges: [{ start: 4 * GIB, end: 8 * GIB - 1 }] }];
    const allocator = new PageAllocator(new PageDescriptors(q35AddressMap(5 * GIB), { nodes }), new PhysMemory());
    expect(allocator.allocPages(GFP_KERNEL, 10, 0)).toBeLessThan(0x100000);
    expect(allocator.allocPages(GFP_KERNEL, 10, 1)).toBeGreaterThanOrEqual(0x100000);
    let last = 0;
    let remote = 0;
    for (let pfn = 0; pfn >= 0; pfn = allocator.allocPages(GFP_KERNEL, 10, 0)) {
      if (pfn < 0x100000) expect(remote).toBe(0);
      else remote++;
      last = pfn;
    }
    expect([remote, last > 0]).toEqual([767, true]);
    expect(allocator.allocPages(GFP_DMA32, 10, 1)).toBe(-1); // node 1 has no such zone, node 0 nothing left
    expect(() => allocator.allocPages(GFP_KERNEL, 0, 2)).toThrow('node 2 is not 0 to 1');
  });

  it('P39 mix migrate types at home before they go to another node', () => {
    const nodes = [{ ranges: [{ start: 0, end: 4 * GIB - 1 }] }, { ranges: [{ start: 4 * GIB, end: 8 * GIB - 1 }] }];
    const allocator = new PageAllocator(new PageDescriptors(q35AddressMap(5 * GIB), { nodes }), new PhysMemory());
    allocator.allocPages(GFP_MOVABLE, 0, 1); // node 1 has movable blocks now, node 0 none
    expect(allocator.allocPages(GFP_MOVABLE, 0, 0)).toBeLessThan(0x100000);
  });

  it('P69 a 32-bit machine keeps pages above 896 MiB for HIGHMEM requests', () => {
    const map = new AddressMap([{ start: 0, end: GIB - 1, name: 'System RAM' }]);
    const allocator = new PageAllocator(new PageDescriptors(map, { zones: X86_32_ZONES }), new PhysMemory());
    expect(allocator.allocPages(GFP_KERNEL, 0)).toBeLessThan(0x38000);
    expect(allocator.allocPages(GFP_HIGHMEM, 0)).toBeGreaterThanOrEqual(0x38000);
    expect(allocator.allocPages(GFP_HIGHMEM | GFP_MOVABLE, 0)).toBeGreaterThanOrEqual(0x38000);
  });
});
