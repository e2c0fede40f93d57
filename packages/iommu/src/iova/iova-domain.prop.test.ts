import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { KernelContext } from '../core/kernel-context.ts';
import { IovaDomain } from './iova-domain.ts';

const SPACE = 0x800;
const step = fc.record({
  free: fc.boolean(),
  pages: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 100 })),
  limit: fc.constantFrom(SPACE - 1, SPACE - 1, SPACE / 2, 0x3f),
  cpu: fc.nat(1),
  pick: fc.nat(),
});

interface Live {
  readonly pfn: number;
  readonly pages: number;
  readonly limit: number;
}

function roundedUp(pages: number): number {
  return 2 ** Math.ceil(Math.log2(pages));
}

test.prop([fc.array(step, { minLength: 50, maxLength: 500 })], { numRuns: 60 })(
  'I250 I251 ranges are disjoint, aligned, below their limit, and each is live or cached once',
  (steps) => {
    const context = new KernelContext({ possibleCpus: 2 });
    const domain = new IovaDomain(context);
    domain.reserve(0x300, 0x3ff);
    const live: Live[] = [];
    for (const { free, pages, limit, cpu, pick } of steps) {
      context.cpu = cpu;
      const victim = free ? live.splice(pick % Math.max(1, live.length), 1)[0] : undefined;
      if (victim !== undefined) domain.freeFast(victim.pfn, victim.pages);
      if (free) continue;
      const pfn = domain.allocFast(pages, limit, true);
      if (pfn !== 0) live.push({ pfn, pages, limit });
    }
    const nodes = [...domain.ranges()];
    for (const [i, { lo, length }] of nodes.entries()) {
      expect(lo).toBeGreaterThan(0);
      if (i > 0) expect(lo + length).toBeLessThanOrEqual(nodes[i - 1].lo);
    }
    const held = new Map<number, number>();
    for (const { pfn, pages, limit } of live) {
      expect(pfn % roundedUp(pages)).toBe(0);
      expect(pfn + pages - 1).toBeLessThanOrEqual(limit);
      expect(held.has(pfn)).toBe(false);
      held.set(pfn, pages <= 32 ? roundedUp(pages) : pages);
    }
    for (const { order, pfn } of domain.cachedRanges()) {
      expect(held.has(pfn)).toBe(false);
      held.set(pfn, 1 << order);
    }
    held.set(0x300, 0x100);
    expect(new Map(nodes.map(({ lo, length }) => [lo, length]))).toEqual(held);
  },
);

/** Is there an aligned gap of that size at all? */
function gapExists(domain: IovaDomain, pages: number, bound: number): boolean {
  const taken = new Uint8Array(SPACE);
  for (const { lo, length } of domain.ranges()) taken.fill(1, lo, lo + length);
  const align = roundedUp(pages);
  for (let lo = align; lo + pages <= bound; lo += align) {
    if (taken.subarray(lo, lo + pages).every((page) => page === 0)) return true;
  }
  return false;
}

test.prop([fc.array(step, { minLength: 50, maxLength: 300 })], { numRuns: 60 })(
  'I255 the tree fails only without an aligned gap, or when max32 says that it would',
  (steps) => {
    const domain = new IovaDomain(new KernelContext());
    const live: Live[] = [];
    let max32 = domain.pfn32;
    for (const { free, pages, limit, pick } of steps) {
      const victim = free ? live.splice(pick % Math.max(1, live.length), 1)[0] : undefined;
      if (victim !== undefined) {
        domain.treeFree(victim.pfn);
        max32 = domain.pfn32;
      }
      if (free) continue;
      const possible = gapExists(domain, pages, limit + 1);
      const pfn = domain.treeAlloc(pages, limit + 1);
      expect(pfn !== 0).toBe(possible && pages < max32);
      if (pfn !== 0) live.push({ pfn, pages, limit });
      else max32 = Math.min(max32, pages);
    }
  },
);
