import { beforeEach, describe, expect, it } from 'vitest';
import { KernelContext } from '../core/kernel-context.ts';
import { MAGAZINE_CAPACITY } from './magazine.ts';
import { CACHE_CLASSES, orderOf, RangeCache } from './range-cache.ts';

const ANY = 2 ** 40;
let context: KernelContext;
let cache: RangeCache;
let returned: number[];
const sink = { treeFree: (pfn: number) => void returned.push(pfn) };

beforeEach(() => {
  context = new KernelContext({ possibleCpus: 2 });
  cache = new RangeCache(context);
  returned = [];
});

function put(from: number, to: number): void {
  for (let pfn = from; pfn <= to; pfn++) cache.put(0, pfn);
}

function get(count: number, bound = ANY): number[] {
  return Array.from({ length: count }, () => cache.get(0, bound));
}

it.each([
  [1, 0],
  [2, 1],
  [3, 2],
  [16, 4],
  [17, 5],
  [32, 5],
  [33, 6],
])('I19 I23 %i pages are of class %i', (pages, order) => {
  expect(orderOf(pages)).toBe(order);
});

describe('magazines', () => {
  it('I27 an empty cache has nothing to give', () => {
    expect(cache.get(0, ANY)).toBe(0);
  });

  it('I28 gives the latest range first', () => {
    put(1, 3);
    expect(get(4)).toEqual([3, 2, 1, 0]);
  });

  it('I25 fills loaded, then prev, then the depot, 127 at a time', () => {
    put(1, 3 * MAGAZINE_CAPACITY);
    expect(cache.depotSize(0)).toBe(1);
    expect(cache.put(0, 1000)).toBe(1);
    expect(cache.depotSize(0)).toBe(2);
  });

  it('V6 I27 takes loaded, then prev, then the depot', () => {
    put(1, 2 * MAGAZINE_CAPACITY + 1); // prev 1-127, depot 128-254, loaded 255
    const expected = [255];
    for (let pfn = 127; pfn >= 1; pfn--) expected.push(pfn);
    for (let pfn = 254; pfn >= 128; pfn--) expected.push(pfn);
    expect(get(2 * MAGAZINE_CAPACITY + 2)).toEqual([...expected, 0]);
  });

  it('I28 passes over ranges above the limit and moves the last one into the hole', () => {
    for (const pfn of [10, 50, 20, 60, 70]) cache.put(0, pfn);
    expect(cache.get(0, 21)).toBe(20);
    expect(get(5)).toEqual([60, 70, 50, 10, 0]);
  });

  it('I28 a range may end at the bound', () => {
    cache.put(3, 8);
    expect(cache.get(3, 15)).toBe(0);
    expect(cache.get(3, 16)).toBe(8);
  });

  it('I28 tries neither prev nor depot when the chosen magazine has nothing low enough', () => {
    put(1, MAGAZINE_CAPACITY);
    cache.put(0, 5000);
    expect(cache.get(0, 1000)).toBe(0);
    expect(get(2)).toEqual([5000, MAGAZINE_CAPACITY]);
  });

  it('I24 each CPU has its own; I20 the depot is shared', () => {
    put(1, 3 * MAGAZINE_CAPACITY);
    context.cpu = 1;
    expect(cache.get(0, ANY)).toBe(2 * MAGAZINE_CAPACITY);
    cache.put(0, 9999);
    context.cpu = 0;
    expect(cache.get(0, ANY)).toBe(3 * MAGAZINE_CAPACITY);
  });
});

describe('going back to the tree', () => {
  it('I30 the top depot magazine goes in index order', () => {
    put(1, 3 * MAGAZINE_CAPACITY);
    cache.drainDepotTop(0, sink);
    expect(returned).toEqual(Array.from({ length: MAGAZINE_CAPACITY }, (_, i) => MAGAZINE_CAPACITY + 1 + i));
  });

  it('I32 a full flush goes by CPU, class, loaded before prev, then depots from the top', () => {
    put(1, 3 * MAGAZINE_CAPACITY + 1);
    cache.put(1, 4000);
    context.cpu = 1;
    cache.put(0, 5000);
    cache.drainAll(sink);
    const run = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
    expect(returned).toEqual([
      3 * MAGAZINE_CAPACITY + 1,
      ...run(1, MAGAZINE_CAPACITY),
      4000,
      5000,
      ...run(2 * MAGAZINE_CAPACITY + 1, MAGAZINE_CAPACITY),
      ...run(MAGAZINE_CAPACITY + 1, MAGAZINE_CAPACITY),
    ]);
    expect(get(1)).toEqual([0]);
  });

  it('I34 an offline CPU gives back every class', () => {
    for (let order = 0; order < CACHE_CLASSES; order++) cache.put(order, 64 * (order + 1));
    cache.drainCpu(0, sink);
    expect(returned).toEqual([64, 128, 192, 256, 320, 384]);
  });
});
