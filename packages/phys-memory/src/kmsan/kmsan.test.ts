import { beforeEach, describe, expect, it } from 'vitest';
import { q35AddressMap } from '../map/q35-map.ts';
import { PhysMemory } from '../memory/phys-memory.ts';
import { GFP_KERNEL, GFP_ZERO } from '../pages/gfp.ts';
import { PageAllocator } from '../pages/page-allocator.ts';
import { PageDescriptors } from '../pages/page-descriptors.ts';
import { KmsanShadow } from './kmsan-shadow.ts';

let allocator: PageAllocator;
let shadow: KmsanShadow;
let page: number;

beforeEach(() => {
  allocator = new PageAllocator(new PageDescriptors(q35AddressMap(32 * 2 ** 20)), new PhysMemory());
  shadow = new KmsanShadow();
  allocator.observer = shadow;
  page = allocator.allocPages(GFP_KERNEL, 0) * 4096;
});

const texts = () => shadow.reports.map(({ text }) => text);

describe('P97 a fresh page', () => {
  it('with its first 8 bytes written reports bytes 8-15 of 16, each time it is checked', () => {
    shadow.markInitialised(page, 8);
    shadow.check(page, 16);
    shadow.check(page, 16);
    expect(texts()).toEqual(['Bytes 8-15 of 16 are uninitialized', 'Bytes 8-15 of 16 are uninitialized']);
    expect(shadow.reports[0]).toMatchObject({ kind: 'uninit-value', phys: page });
  });

  it('is clean once a device was allowed to write it', () => {
    shadow.markInitialised(page, 16); // what FROM_DEVICE does at map
    shadow.check(page, 16);
    expect(texts()).toEqual([]);
    expect([shadow.isInitialised(page, 16), shadow.isInitialised(page, 17)]).toEqual([true, false]);
  });
});

describe('P84 where uninitialised bytes come from', () => {
  it('a zeroed allocation is initialised', () => {
    const zeroed = allocator.allocPages(GFP_ZERO, 1) * 4096;
    expect(shadow.isInitialised(zeroed, 8192)).toBe(true);
  });

  it('freed memory reports a use after free', () => {
    shadow.markInitialised(page, 4096);
    allocator.freePages(page / 4096, 0);
    shadow.check(page + 7, 1);
    expect(shadow.reports[0]).toMatchObject({ kind: 'use-after-free', text: 'Byte 0 of 1 is uninitialized' });
  });

  it('a copy carries shadow and origin, at any alignment', () => {
    const other = allocator.allocPages(GFP_ZERO, 0) * 4096;
    shadow.markInitialised(page, 2);
    shadow.copyShadow(other + 1, page, 5);
    shadow.check(other, 16);
    expect(texts()).toEqual(['Bytes 3-5 of 16 are uninitialized']);
    shadow.copyShadow(other + 1, other + 8, 5);
    expect(shadow.isInitialised(other, 16)).toBe(true);
  });
});

describe('P86 a check', () => {
  it('reports one run for each origin', () => {
    const slab = page + 16;
    shadow.poison(slab, 8, false);
    shadow.markInitialised(page, 4);
    shadow.markInitialised(page + 28, 4);
    shadow.check(page, 32);
    expect(texts()).toEqual([
      'Bytes 4-15 of 32 are uninitialized',
      'Bytes 16-23 of 32 are uninitialized',
      'Bytes 24-27 of 32 are uninitialized',
    ]);
  });

  it('sees a run in the middle and a single byte at the end', () => {
    shadow.markInitialised(page, 4096);
    shadow.poison(page + 4, 4, false);
    shadow.poison(page + 15, 1, true);
    shadow.check(page, 16);
    expect(texts()).toEqual(['Bytes 4-7 of 16 are uninitialized', 'Byte 15 of 16 is uninitialized']);
  });

  it('P87 an origin goes only when all four bytes of its word are initialised', () => {
    shadow.markInitialised(page, 3);
    shadow.check(page, 4);
    expect(texts()).toEqual(['Byte 3 of 4 is uninitialized']); // the origin is still known
  });

  it('P83 counts memory without shadow as initialised and drops writes to it', () => {
    const partial = new KmsanShadow({ hasShadow: (phys) => phys < 0x2000, isHighMemory: (phys) => phys >= 0x2000 });
    partial.poison(0x1ff0, 32, false);
    partial.check(0x1ff0, 32);
    expect(partial.reports.map(({ text }) => text)).toEqual(['Bytes 0-15 of 32 are uninitialized']);
    expect([partial.isHighMemory(0x1fff), partial.isHighMemory(0x2000)]).toEqual([false, true]);
    partial.copyShadow(0x2000, 0x1ff0, 4);
    expect(partial.isInitialised(0x2000, 4)).toBe(true);
  });
});
