import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { q35AddressMap } from '../map/q35-map.ts';
import { PhysMemory } from '../memory/phys-memory.ts';
import { GFP_DMA, GFP_DMA32, GFP_KERNEL, GFP_MOVABLE } from './gfp.ts';
import { PageAllocator } from './page-allocator.ts';
import { PageDescriptors } from './page-descriptors.ts';

type Step = { kind: 'allocate'; gfp: number; order: number } | { kind: 'free'; which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('allocate' as const),
      gfp: fc.constantFrom(GFP_KERNEL, GFP_MOVABLE, GFP_DMA, GFP_DMA32),
      order: fc.nat(10),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('free' as const), which: fc.nat() }) },
);

const map = q35AddressMap(32 * 2 ** 20); // small enough to run full

test.prop([fc.array(step, { maxLength: 120 })], { numRuns: 80 })(
  'the page allocator never hands out a page twice, and merges back to where it began',
  (steps) => {
    const allocator = new PageAllocator(new PageDescriptors(map), new PhysMemory());
    const before = allocator.buddyInfo();
    const live: { pfn: number; order: number }[] = [];
    const owned = new Set<number>();
    for (const s of steps) {
      if (s.kind === 'free' && live.length > 0) {
        const [{ pfn, order }] = live.splice(s.which % live.length, 1);
        allocator.freePages(pfn, order);
        for (let page = pfn; page < pfn + 2 ** order; page++) owned.delete(page);
      } else if (s.kind === 'allocate') {
        const pfn = allocator.allocPages(s.gfp, s.order);
        if (pfn < 0) continue;
        expect(pfn % 2 ** s.order).toBe(0);
        live.push({ pfn, order: s.order });
        for (let page = pfn; page < pfn + 2 ** s.order; page++) {
          expect(owned.has(page)).toBe(false);
          owned.add(page);
        }
      }
    }
    const managed = allocator.zoneFigures().reduce((sum, zone) => sum + zone.managed, 0);
    const free = allocator.zoneFigures().reduce((sum, zone) => sum + zone.free, 0);
    expect(free).toBe(managed - owned.size);
    for (const { pfn, order } of live) allocator.freePages(pfn, order);
    expect(allocator.buddyInfo()).toEqual(before);
  },
);
