import { describe, expect, it } from 'vitest';
import { BLOCKED, REACHED } from './reach.ts';
import { IOVA, pageSizes, type Stage } from './stage.ts';

/** Caches: stale exactly until the driver invalidates, and never after. */
export function staleSuite(stage: () => Stage): void {
  describe('caches', () => {
    it('H4 a cleared page stays reachable until it is invalidated', () => {
      const { page, phys, domain } = stage();
      stage().map(IOVA, phys, page);
      expect(stage().both(IOVA, phys)).toBe(REACHED);
      stage().unmapLazily(IOVA, page);
      expect(stage().both(IOVA, phys)).toBe(REACHED);
      domain.flushIotlbAll();
      expect(stage().both(IOVA, phys)).toBe(BLOCKED);
    });

    it('H5 a strict unmap leaves nothing behind, page by page and in runs', () => {
      const { page, phys } = stage();
      for (const count of [1, 2, 3, 8, 9, 64]) {
        stage().map(IOVA, phys, count * page);
        const places = [0, count >> 1, count - 1].map((at) => at * page);
        for (const at of places) expect(stage().both(IOVA + at, phys + at)).toBe(REACHED);
        expect(stage().unmap(IOVA, count * page)).toBe(count * page);
        for (const at of places) expect([count, stage().both(IOVA + at, phys + at)]).toEqual([count, BLOCKED]);
      }
    });

    it('H7 an invalidation drops what was unmapped and the neighbours translate on', () => {
      const { page, phys } = stage();
      for (let at = 0; at < 16; at++) stage().map(IOVA + at * page, phys + at * page, page); // no page of several
      for (let at = 0; at < 16; at++) expect(stage().both(IOVA + at * page, phys + at * page)).toBe(REACHED);
      stage().unmap(IOVA + 5 * page, 6 * page);
      const reach = Array.from({ length: 16 }, (_, at) => stage().both(IOVA + at * page, phys + at * page));
      expect(reach.map((text, at) => text === (at >= 5 && at < 11 ? BLOCKED : REACHED))).not.toContain(false);
    });

    it('an address that is mapped again goes to its new page at once', () => {
      const { page, phys } = stage();
      for (let round = 0; round < 4; round++) {
        const target = phys + (round + 1) * page;
        stage().map(IOVA, target, page);
        expect(stage().both(IOVA, target)).toBe(REACHED);
        stage().unmap(IOVA, page);
      }
      expect(stage().both(IOVA, phys)).toBe(BLOCKED);
    });

    it('an address that was blocked is reached as soon as it is mapped', () => {
      const { page, phys } = stage();
      expect(stage().both(IOVA, phys)).toBe(BLOCKED);
      stage().map(IOVA, phys, page);
      expect(stage().both(IOVA, phys)).toBe(REACHED);
    });

    it('H6 small pages, a large one in their place, and small ones again', () => {
      const { page, phys, domain } = stage();
      const large = largePage(stage());
      if (large === 0) return;
      const far = phys + large; // small pages go elsewhere than the large one
      stage().map(IOVA, far, page);
      stage().map(IOVA + large - page, far + page, page);
      expect(stage().both(IOVA, far)).toBe(REACHED);
      stage().unmap(IOVA, page);
      stage().unmap(IOVA + large - page, page);
      stage().map(IOVA, phys, large);
      expect(domain.mappedBytes).toBe(large);
      expect(stage().both(IOVA, phys)).toBe(REACHED);
      expect(stage().both(IOVA + large - 4, phys + large - 4)).toBe(REACHED);
      expect(stage().unmap(IOVA, large)).toBe(large);
      stage().map(IOVA + page, far, page);
      expect(stage().both(IOVA + page, far)).toBe(REACHED);
      expect(stage().both(IOVA, phys)).toBe(BLOCKED);
      expect(stage().both(IOVA + large - page, phys + large - page)).toBe(BLOCKED);
    });

    it('I108 a table page comes back only when its range is invalidated', () => {
      const { phys, page, domain, rig } = stage();
      const large = largePage(stage());
      if (large === 0) return;
      stage().map(IOVA, phys + page, large); // one page off, so that no large page fits
      expect(stage().both(IOVA + page, phys + 2 * page)).toBe(REACHED);
      const before = rig.tablePagesInUse();
      const gather = stage().unmapLazily(IOVA, large);
      expect(rig.tablePagesInUse()).toBe(before);
      expect(gather.tablePageCount).toBeGreaterThan(0);
      expect(stage().both(IOVA + page, phys + 2 * page)).toBe(REACHED);
      domain.flushIotlbAll();
      domain.freeTablePages(gather.tablePages, gather.tablePageCount);
      expect(rig.tablePagesInUse()).toBe(before - (gather.tablePageCount * page) / 4096); // a table is as long as a page
      expect(stage().both(IOVA + page, phys + 2 * page)).toBe(BLOCKED);
    });
  });
}

/** The page that takes the place of a whole table, if there is one and the scratch memory holds two of it; else 0. */
function largePage({ domain, page, rig }: Stage): number {
  const large = page * (page / 8);
  const fits = pageSizes(domain).includes(large) && 2 * large <= rig.scratch.lengthBytes;
  return fits && IOVA % large === 0 ? large : 0;
}
