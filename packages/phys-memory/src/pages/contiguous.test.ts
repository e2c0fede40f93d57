import { beforeEach, describe, expect, it } from 'vitest';
import { AddressMapError } from '../map/address-map-error.ts';
import { q35AddressMap } from '../map/q35-map.ts';
import { PhysMemory } from '../memory/phys-memory.ts';
import { placeCmaArea } from './cma-placement.ts';
import { allocContigRange, CmaArea, freeContigRange } from './contiguous.ts';
import { GFP_KERNEL, GFP_MOVABLE } from './gfp.ts';
import { PageAllocator } from './page-allocator.ts';
import { PageDescriptors } from './page-descriptors.ts';

const START = 0x1000000;
const BYTES = 4 * 2 ** 20;
const FIRST = START / 4096;

let memory: PhysMemory;
let allocator: PageAllocator;

beforeEach(() => {
  memory = new PhysMemory();
  const reserved = [{ start: START, end: START + BYTES - 1, name: 'cma' }];
  allocator = new PageAllocator(new PageDescriptors(q35AddressMap(32 * 2 ** 20), { reserved }), memory);
});

/** Takes all that requests of this kind can get, page by page. */
function drain(gfp: number): number[] {
  const pages: number[] = [];
  for (let pfn = allocator.allocPages(gfp, 0); pfn >= 0; pfn = allocator.allocPages(gfp, 0)) pages.push(pfn);
  return pages;
}

/** What an allocation returns, as a page frame. */
function frameOf(area: CmaArea, count: number, alignOrder: number): number {
  const phys = area.alloc(count, alignOrder);
  return phys < 0 ? phys : phys / 4096;
}

const isInArea = (pfn: number) => pfn >= FIRST && pfn < FIRST + BYTES / 4096;

describe('P53 an area', () => {
  it('serves movable pages until it is claimed, and never others', () => {
    const area = new CmaArea(allocator, 'default', START, BYTES);
    expect(drain(GFP_KERNEL).some(isInArea)).toBe(false);
    expect(drain(GFP_MOVABLE).every(isInArea)).toBe(true);
    expect(frameOf(area, 1, 0)).toBe(-1); // nobody can move them
  });

  it.each([
    [START + 4096, BYTES],
    [START, BYTES - 4096],
    [START, 0],
  ])('0x%x + 0x%x is refused', (start, bytes) => {
    expect(() => new CmaArea(allocator, 'default', start, bytes)).toThrow(AddressMapError);
  });
});

describe('P53 an area without a base', () => {
  const MIB = 2 ** 20;
  const GIB = 2 ** 30;

  it('goes to the lowest room above 4 GiB, the next one behind it', () => {
    const map = q35AddressMap(5 * GIB);
    const at = placeCmaArea(new PageDescriptors(map), 64 * MIB);
    const reserved = [{ start: at, end: at + 64 * MIB - 1, name: 'cma' }];
    const next = placeCmaArea(new PageDescriptors(map, { reserved }), 64 * MIB);
    expect([at, next]).toEqual([0x100000000, 0x104000000]);
  });

  it('goes as high as it fits where there is no such room, clear of what is reserved', () => {
    const reserved = [{ start: 0x3fc00000, end: 0x3fcfffff, name: 'bounce pool' }];
    expect(placeCmaArea(new PageDescriptors(q35AddressMap(GIB)), 4 * MIB)).toBe(0x3fa00000);
    expect(placeCmaArea(new PageDescriptors(q35AddressMap(GIB), { reserved }), 64 * MIB)).toBe(0x3bc00000);
    expect(placeCmaArea(new PageDescriptors(q35AddressMap(GIB)), 2 * GIB)).toBe(-1);
  });

  it('stays on its node', () => {
    const nodes = [{ ranges: [{ start: 0, end: 4 * GIB - 1 }] }, { ranges: [{ start: 4 * GIB, end: 8 * GIB - 1 }] }];
    const at = placeCmaArea(new PageDescriptors(q35AddressMap(5 * GIB), { nodes }), 64 * MIB, 0);
    expect(at).toBe(0x7be00000);
  });
});

describe('P54 an allocation', () => {
  it('is the first free run whose page frame is aligned, one reference a page', () => {
    const area = new CmaArea(allocator, 'default', START, BYTES);
    expect(frameOf(area, 3, 0)).toBe(FIRST);
    expect(frameOf(area, 5, 3)).toBe(FIRST + 8);
    expect(frameOf(area, 5, 0)).toBe(FIRST + 3);
    expect(frameOf(area, 1, 20)).toBe(FIRST + 256); // alignment stops at 1 MiB
    expect([0, 1, 2].map((i) => allocator.pages.count(FIRST + i))).toEqual([1, 1, 1]);
    expect(area.release(FIRST * 4096, 3)).toBe(true);
    expect(frameOf(area, 2, 0)).toBe(FIRST);
  });

  it('fails when no run is long enough, and serves all of the area when it is empty', () => {
    const area = new CmaArea(allocator, 'default', START, BYTES);
    expect(frameOf(area, 1025, 0)).toBe(-1);
    expect(frameOf(area, 1024, 0)).toBe(FIRST);
    expect(frameOf(area, 1, 0)).toBe(-1);
    expect(area.release(FIRST * 4096, 1024)).toBe(true);
    expect(frameOf(area, 1024, 0)).toBe(FIRST);
  });

  it('moves movable pages out of its way, bytes included', () => {
    const moves: [number, number][] = [];
    const area = new CmaArea(allocator, 'default', START, BYTES, (from, to) => moves.push([from, to]) > 0);
    const others = drain(GFP_KERNEL);
    const inside = allocator.allocPages(GFP_MOVABLE, 0);
    memory.store32(inside * 4096, 0x600d);
    for (const pfn of others) allocator.putPage(pfn);
    expect(isInArea(inside)).toBe(true);
    expect(frameOf(area, 1024, 0)).toBe(FIRST);
    expect(moves).toHaveLength(1);
    expect(moves[0][0]).toBe(inside);
    expect(memory.load32(moves[0][1] * 4096)).toBe(0x600d);
  });

  it('skips a page that cannot move', () => {
    const refuse = new Set<number>();
    const area = new CmaArea(allocator, 'default', START, BYTES, (from) => !refuse.has(from));
    drain(GFP_KERNEL);
    const inside = allocator.allocPages(GFP_MOVABLE, 0);
    refuse.add(inside);
    const got = frameOf(area, 4, 2);
    expect(got).toBeGreaterThan(inside);
    expect(got % 4).toBe(0);
  });

  it('tells foreign ranges from its own, and pages that are still in use', () => {
    const area = new CmaArea(allocator, 'default', START, BYTES);
    const pfn = frameOf(area, 4, 0);
    allocator.getPage(pfn + 1);
    expect(area.release((FIRST - 1) * 4096, 1)).toBe(false);
    expect(area.release(pfn * 4096, 4)).toBe(true);
    expect(area.warnings).toEqual(['1 pages are still in use!']);
    expect(allocator.stateOf(pfn + 1)).toBe('allocated');
  });
});

describe('a contiguous range', () => {
  it('is taken whole or not at all, and comes back', () => {
    const before = allocator.buddyInfo();
    const free = () => allocator.zoneFigures().reduce((sum, zone) => sum + zone.free, 0);
    const freeBefore = free();
    expect(allocContigRange(allocator, 0x1405, 700)).toBe(true);
    expect(freeBefore - free()).toBe(700);
    expect(allocContigRange(allocator, 0x1400, 10)).toBe(false); // 0x1405 is taken
    expect(freeBefore - free()).toBe(700);
    expect(freeContigRange(allocator, 0x1405, 700)).toBe(0);
    expect(allocator.buddyInfo()).toEqual(before);
  });
});
