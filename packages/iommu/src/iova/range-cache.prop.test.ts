import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { KernelContext } from '../core/kernel-context.ts';
import { MAGAZINE_CAPACITY } from './magazine.ts';
import { RangeCache } from './range-cache.ts';

/** Magazines as plain arrays, one class, written out from spec I25 to I28. */
class PlainCache {
  readonly cpus: { loaded: number[] | null; prev: number[] | null }[] = [
    { loaded: null, prev: null },
    { loaded: null, prev: null },
  ];
  readonly depot: number[][] = [];

  put(cpu: number, pfn: number): void {
    const own = this.cpus[cpu];
    if (own.loaded === null || own.loaded.length === MAGAZINE_CAPACITY) {
      if (own.prev !== null && own.prev.length < MAGAZINE_CAPACITY) [own.loaded, own.prev] = [own.prev, own.loaded];
      else {
        if (own.loaded !== null && own.prev === null) own.prev = own.loaded;
        else if (own.loaded !== null) this.depot.push(own.loaded);
        own.loaded = [];
      }
    }
    (own.loaded as number[]).push(pfn);
  }

  get(cpu: number, bound: number): number {
    const own = this.cpus[cpu];
    if (own.loaded === null || own.loaded.length === 0) {
      if (own.prev !== null && own.prev.length > 0) [own.loaded, own.prev] = [own.prev, own.loaded];
      else if (this.depot.length > 0) own.loaded = this.depot.pop() as number[];
      else return 0;
    }
    const loaded = own.loaded as number[];
    const at = loaded.findLastIndex((pfn) => pfn < bound);
    if (at < 0) return 0;
    const found = loaded[at];
    const last = loaded.pop() as number;
    if (at < loaded.length) loaded[at] = last;
    return found;
  }
}

const burst = fc.record({
  put: fc.boolean(),
  cpu: fc.nat(1),
  count: fc.integer({ min: 1, max: 300 }),
  bound: fc.constantFrom(2 ** 40, 2 ** 40, 2 ** 40, 600),
});

test.prop([fc.array(burst, { minLength: 10, maxLength: 60 })], { numRuns: 60 })(
  'I25 I26 I27 I28 I252 gives what plain arrays give, in bursts that fill and empty magazines and the depot',
  (bursts) => {
    const context = new KernelContext({ possibleCpus: 2 });
    const cache = new RangeCache(context);
    const plain = new PlainCache();
    let next = 1;
    for (const { put, cpu, count, bound } of bursts) {
      context.cpu = cpu;
      for (let i = 0; i < count; i++) {
        if (put) {
          cache.put(0, next);
          plain.put(cpu, next++);
        } else expect(cache.get(0, bound)).toBe(plain.get(cpu, bound));
      }
      expect(cache.depotSize(0)).toBe(plain.depot.length);
    }
    const held = plain.cpus.flatMap(({ loaded, prev }) => [...(loaded ?? []), ...(prev ?? [])]);
    expect([...cache.entries()].map(({ pfn }) => pfn)).toEqual([...held, ...plain.depot.flat()]);
    const copy = new RangeCache(context);
    copy.copyFrom(cache);
    expect(copy.equals(cache)).toBe(true);
  },
);
