import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AddressMapError } from '../map/address-map-error.ts';
import { parseIomem } from '../map/iomem.ts';
import { q35AddressMap } from '../map/q35-map.ts';
import { PhysMemory } from '../memory/phys-memory.ts';
import { getOrder } from './order.ts';
import { PageAllocator } from './page-allocator.ts';
import { PageDescriptors } from './page-descriptors.ts';
import { PageError } from './page-error.ts';
import { arm64Zones, S390_ZONES, ZoneType } from './zone-layout.ts';

const GIB = 2 ** 30;
const map1GiB = parseIomem(readFileSync(new URL('../../fixtures/q35-1gib.iomem.txt', import.meta.url), 'utf8'));
const map5GiB = q35AddressMap(5 * GIB, 0x21000);
/** The same machine with 2 GiB on one node and 3 GiB on another. */
const TWO_NODES = [{ ranges: [{ start: 0, end: 4 * GIB - 1 }] }, { ranges: [{ start: 4 * GIB, end: 8 * GIB - 1 }] }];

describe('orders', () => {
  it.each([
    [1, 0],
    [4096, 0],
    [4097, 1],
    [12288, 2],
    [65536, 4],
    [4 * 2 ** 20, 10],
  ])('P3 P94 order(%d) is %d', (sizeBytes, order) => {
    expect(getOrder(sizeBytes)).toBe(order);
  });
});

describe('P14 P92 pfnValid', () => {
  const pages = new PageDescriptors(map1GiB);

  it.each([
    [0x0, true, 'the first page, reserved'],
    [0x9f, true, 'the page that RAM only partly covers'],
    [0xa0, true, 'VGA memory'],
    [0xf0, true, 'the BIOS'],
    [0x3ffd7, true, 'the tail that the firmware keeps'],
    [0x3ffff, true, 'the last page of the last section with RAM'],
    [0x40000, false, 'the first section without RAM'],
    [0xfebd4, false, 'a BAR'],
    [0xfec00, false, 'the IOAPIC'],
    [2 ** 34, false, 'bits above the 46 address bits'],
    [-1, false, 'no frame'],
  ])('0x%x is %s: %s', (pfn, isValid) => {
    expect(pages.pfnValid(pfn)).toBe(isValid);
    if (isValid) expect(pages.isReserved(pfn)).toBe(true);
    if (isValid) expect(pages.count(pfn)).toBe(1);
    if (!isValid)
      expect(() => pages.isReserved(pfn)).toThrow(expect.objectContaining({ code: 'ERR_NO_PAGE_DESCRIPTOR' }));
  });

  it('is true for a whole section that was present at boot, far from its RAM too', () => {
    const small = new PageDescriptors(q35AddressMap(32 * 2 ** 20)); // RAM ends at page 0x1fd7 of a section of 0x8000
    expect([0x7fff, 0x8000].map((pfn) => small.pfnValid(pfn))).toEqual([true, false]);
    expect([small.isReserved(0x7fff), small.isOnline(0x7fff)]).toEqual([true, false]);
  });

  it('P12 converts without ever failing, and counts each conversion', () => {
    pages.resetConversions();
    const bar = pages.physToPage(0xfebd4123); // no descriptor there
    expect(pages.pageToPhys(bar)).toBe(0xfebd4000);
    expect(bar).toBe(0xfebd4 * 64);
    pages.pfnValid(0xfebd4);
    pages.pfnValid(pages.pfnOf(bar));
    expect(pages.conversions).toEqual({ pfnValid: 2, physToPage: 1, pageToPhys: 1 });
  });
});

describe('zones', () => {
  it('P28 P92 have the extents that the 1 GiB machine printed', () => {
    const [dma, dma32, ...others] = new PageAllocator(new PageDescriptors(map1GiB), new PhysMemory()).zoneFigures();
    expect(dma).toMatchObject({ name: 'DMA', startPfn: 1, spanned: 4095, present: 3998, managed: 3840 });
    expect(dma32).toMatchObject({ name: 'DMA32', startPfn: 4096, spanned: 258007, present: 258007 });
    expect(others).toEqual([]); // NORMAL is empty
  });

  it('P28 have the extents that the 5 GiB machine printed', () => {
    const zones = new PageDescriptors(map5GiB).zones;
    expect(zones.map(({ type }) => type)).toEqual([ZoneType.DMA, ZoneType.DMA32, ZoneType.NORMAL]);
    expect(zones[1]).toMatchObject({ spanned: 1044480, present: 520159 });
    expect(zones[2]).toMatchObject({ startPfn: 1048576, spanned: 786432, present: 786432 });
  });

  it('P35 put DMA and DMA32 on node 0 and NORMAL on node 1 of a 2 + 3 GiB machine', () => {
    const pages = new PageDescriptors(map5GiB, { nodes: TWO_NODES });
    expect(pages.zones.map(({ type, node }) => [node, type])).toEqual([
      [0, ZoneType.DMA],
      [0, ZoneType.DMA32],
      [1, ZoneType.NORMAL],
    ]);
    expect(pages.zones[1].spanned).toBe(0x7ffdf - 0x1000); // node 0 ends there
  });

  it('P16 give the pages of a hole to the RAM after it, those at the end to the last', () => {
    const twoNodes = new PageDescriptors(map5GiB, { nodes: TWO_NODES });
    expect(twoNodes.zoneOf(0x7ffdf)).toMatchObject({ node: 1, type: ZoneType.NORMAL });
    const oneGiB = new PageDescriptors(map1GiB);
    expect([0xfff, 0x1000, 0xa0, 0x3ffff].map((pfn) => oneGiB.zoneOf(pfn).type)).toEqual([
      ZoneType.DMA,
      ZoneType.DMA32,
      ZoneType.DMA,
      ZoneType.DMA32,
    ]);
  });

  it.each([
    ['arm64, 1 GiB limit', arm64Zones(GIB, 0), [0x40000, 0x100000]],
    ['arm64, no limit, RAM below 4 GiB', arm64Zones(2 ** 48, 0), [0x100000, 0x100000]],
    ['arm64, no limit, RAM above 4 GiB', arm64Zones(2 ** 48, 8 * GIB), [2 ** 36, 0x100000]],
    ['s390', S390_ZONES, [0x80000, null]],
  ])('P27 end where %s says', (_, limits, [dmaEnd, dma32End]) => {
    expect(limits).toMatchObject({ dmaEnd, dma32End });
  });
});

describe('memory that the boot allocator keeps', () => {
  const pool = { start: 0x3be00000, end: 0x3fdfffff, name: 'bounce pool' };
  const pages = new PageDescriptors(map1GiB, { reserved: [pool] });
  const allocator = new PageAllocator(pages, new PhysMemory());

  it.each([
    ['the first MiB', 0x50],
    ['the kernel image', 0x19200],
    ['its last, partly used page', 0x1a3d3],
    ['a bounce pool', 0x3be00],
  ])('P18 is reserved: %s', (_, pfn) => {
    expect(allocator.stateOf(pfn)).toBe('reserved');
  });

  it('P8 the rest of RAM is free until it is allocated, BARs and windows are absent', () => {
    const pfn = allocator.allocPages(0, 3);
    expect([pfn, pfn + 7, pfn + 8, 0xfebd4].map((frame) => allocator.stateOf(frame))).toEqual([
      'allocated',
      'allocated',
      'free',
      'absent',
    ]);
  });

  it('is given to the page allocator afterwards, once', () => {
    const before = allocator.zoneFigures()[1];
    allocator.releaseReserved(0x3be00, 0x3be0f);
    const after = allocator.zoneFigures()[1];
    expect([after.managed - before.managed, after.free - before.free]).toEqual([16, 16]);
    expect(() => allocator.releaseReserved(0x3be00, 0x3be00)).toThrow(PageError);
    expect(() => allocator.releaseReserved(0x3fff0, 0x3fff0)).toThrow('is not RAM reserved at boot');
  });

  it('must be RAM', () => {
    const reserved = [{ start: 0x3ffd0000, end: 0x3fffffff, name: 'pool' }];
    expect(() => new PageDescriptors(map1GiB, { reserved })).toThrow(AddressMapError);
  });
});
