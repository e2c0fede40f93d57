import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { gapOrder } from './gap-order.ts';
import { ANCHOR_PFN, RangeTree } from './range-tree.ts';

/** The same set as a plain list, highest first: nothing to get wrong. */
class RangeList {
  ranges: { lo: number; length: number }[] = [];

  insert(lo: number, length: number): void {
    this.ranges.push({ lo, length });
    this.ranges.sort((a, b) => b.lo - a.lo);
  }

  remove(lo: number): void {
    this.ranges = this.ranges.filter((range) => range.lo !== lo);
  }

  meets(lo: number, length: number): boolean {
    return this.ranges.some((range) => range.lo < lo + length && lo < range.lo + range.length);
  }

  highestFit(bound: number, low: number, length: number, align: number): number {
    for (let lo = Math.floor((bound - length) / align) * align; lo >= low; lo -= align) {
      if (!this.meets(lo, length)) return lo;
    }
    return -1;
  }
}

const SPACE = 6000;
const step = fc.record({
  what: fc.constantFrom('insert', 'insert', 'insert', 'insert', 'remove', 'remove', 'fit', 'fit'),
  at: fc.nat(SPACE),
  length: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 40 })),
  alignShift: fc.nat(6),
});

test.prop([fc.array(step, { minLength: 800, maxLength: 1500 }), fc.constantFrom(0, 2 ** 30 - 1000, 2 ** 40)], {
  numRuns: 15,
})('answers every question as a plain list does, at every size and height', (steps, base) => {
  const tree = new RangeTree();
  const list = new RangeList();
  for (const { what, at, length, alignShift } of steps) {
    const lo = base + at;
    const align = 2 ** alignShift;
    if (what === 'insert') {
      const short = list.meets(lo, length) ? 1 : length;
      if (list.meets(lo, short)) continue;
      tree.insert(lo, short);
      list.insert(lo, short);
    } else if (what === 'remove') {
      const victim = list.ranges.find((range) => range.lo <= lo);
      if (victim === undefined) continue;
      tree.remove(victim.lo);
      list.remove(victim.lo);
    } else {
      expect(tree.highestFit(lo, base, length, align)).toBe(list.highestFit(lo, base, length, align));
    }
    const holder = list.ranges.find((range) => range.lo <= lo && lo < range.lo + range.length);
    expect(tree.find(lo)).toBe(holder?.lo ?? -1);
    expect(tree.above(lo)).toBe(list.ranges.findLast((range) => range.lo > lo)?.lo ?? ANCHOR_PFN);
  }
  expect([...tree.ranges()]).toEqual(list.ranges);
});

test.prop([fc.nat(5000), fc.nat(600), fc.constantFrom(0, 2 ** 30 - 2048, 2 ** 45)])(
  'the order of a gap is that of the largest aligned block in it',
  (offset, length, base) => {
    const from = base + offset;
    let order = 0;
    for (let shift = 0; shift < 12; shift++) {
      if (Math.ceil(from / 2 ** shift) * 2 ** shift + 2 ** shift <= from + length) order = shift + 1;
    }
    expect(gapOrder(from, from + length)).toBe(order);
  },
);

it('finds the one hole that a removal left among full leaves, wherever it is, and no longer once it is filled', () => {
  const tree = new RangeTree();
  const ranges = 10_000; // three levels
  for (let i = ranges; i >= 1; i--) tree.insert(4 * i, 4);
  for (let i = 1; i <= ranges; i += 97) {
    expect(tree.highestFit(4 * ranges + 4, 4, 4, 4)).toBe(-1);
    tree.remove(4 * i);
    expect(tree.highestFit(4 * ranges + 4, 4, 4, 4)).toBe(4 * i);
    tree.insert(4 * i, 4);
  }
});

it('empties and fills again after a hundred thousand ranges, from either end', () => {
  const tree = new RangeTree();
  for (let i = 0; i < 100_000; i++) tree.insert(2 * (200_000 - i), 1);
  expect(tree.byteLength / tree.size).toBeLessThan(25);
  for (let i = 0; i < 100_000; i++) tree.remove(2 * (i % 2 === 0 ? 200_000 - i : 100_000 + i));
  expect(tree.size).toBe(0);
  expect(tree.highestFit(1000, 1, 8, 8)).toBe(992);
  tree.insert(992, 8);
  expect(tree.find(999)).toBe(992);
});
