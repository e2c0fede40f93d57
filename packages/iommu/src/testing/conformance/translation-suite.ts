import { describe, expect, it } from 'vitest';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { BLOCKED, REACHED, READ_ONLY, WRITE_ONLY } from './reach.ts';
import { IOVA, pageSizes, RW, type Stage } from './stage.ts';

/** What is mapped is reached, to the byte and with its rights; what isn't, is not. */
export function translationSuite(stage: () => Stage): void {
  describe('translation', () => {
    it('H3 a mapped page is reached to its last word, its neighbours are blocked', () => {
      const { page, phys } = stage();
      stage().map(IOVA, phys + page, page);
      expect(stage().both(IOVA, phys + page)).toBe(REACHED);
      expect(stage().both(IOVA + page - 4, phys + 2 * page - 4)).toBe(REACHED);
      expect(stage().both(IOVA + page, phys + 2 * page)).toBe(BLOCKED);
      expect(stage().both(IOVA - 4, phys + page - 4)).toBe(BLOCKED);
    });

    it('translates pages at both ends of the aperture', () => {
      const { page, phys, domain } = stage();
      const last = domain.apertureEnd + 1 - page;
      stage().map(0, phys, page);
      stage().map(last, phys + page, page);
      expect(stage().both(4, phys + 4)).toBe(REACHED);
      expect(stage().both(last + 4, phys + page + 4)).toBe(REACHED);
      expect(stage().both(page, phys)).toBe(BLOCKED);
    });

    it('blocks an address past the aperture, however low its bits', ({ skip }) => {
      const { page, phys, domain, rig } = stage();
      skip(rig.checksAddressWidth === false, 'this unit is known not to check');
      stage().map(0, phys, page);
      expect(stage().both(0, phys)).toBe(REACHED);
      expect(stage().both(domain.apertureEnd + 1, phys)).toBe(BLOCKED);
    });

    it('translates a page of every size that the domain has, and blocks what follows it', () => {
      const { phys, domain, page } = stage();
      for (const size of pageSizes(domain)) {
        const iova = iovaFor(size, domain.apertureEnd);
        const offset = phys % size;
        stage().map(iova, phys - offset, size);
        const reach = [offset, offset + page - 4].map((at) => stage().both(iova + at, phys - offset + at));
        expect([size, ...reach]).toEqual([size, REACHED, REACHED]);
        if (iova + size <= domain.apertureEnd) expect(stage().both(iova + size, phys)).toBe(BLOCKED);
        expect(stage().unmap(iova, size)).toBe(size);
        expect([size, stage().both(iova + offset, phys)]).toEqual([size, BLOCKED]);
      }
    });

    it.each([
      ['congruent', 0],
      ['one page off', 1],
    ])('maps a run that starts and ends in the middle of large pages, %s', (_, shift) => {
      const { page, phys, rig } = stage();
      const pages = Math.min(1024 + 11, rig.scratch.lengthBytes / page - 8);
      const [iova, from] = [IOVA + 5 * page, phys + (5 + shift) * page];
      stage().map(iova, from, pages * page);
      for (const at of sampled(pages)) {
        expect([at, stage().both(iova + at * page, from + at * page)]).toEqual([at, REACHED]);
      }
      expect(stage().both(iova - page, from - page)).toBe(BLOCKED);
      expect(stage().both(iova + pages * page, from + pages * page)).toBe(BLOCKED);
      expect(stage().unmap(iova, pages * page)).toBe(pages * page);
      for (const at of sampled(pages)) expect(stage().both(iova + at * page, from + at * page)).toBe(BLOCKED);
    });

    it('H2 a read-only page lets no write through, a writable one both', () => {
      const { page, phys } = stage();
      stage().map(IOVA, phys, page, IOMMU_READ);
      stage().map(IOVA + page, phys + page, page, RW);
      expect(stage().both(IOVA, phys)).toBe(READ_ONLY);
      expect(stage().both(IOVA + page, phys + page)).toBe(REACHED);
    });

    it('H2 a write-only page lets no read through, where the format has it', () => {
      const { page, phys, rig } = stage();
      stage().map(IOVA, phys, page, IOMMU_WRITE);
      expect(stage().both(IOVA, phys)).toBe(rig.hasWriteOnly ? WRITE_ONLY : REACHED);
    });

    it('keeps the rights of large pages apart too', () => {
      const { phys, domain } = stage();
      for (const size of pageSizes(domain)) {
        const iova = iovaFor(size, domain.apertureEnd);
        const offset = phys % size;
        stage().map(iova, phys - offset, size, IOMMU_READ);
        expect([size, stage().both(iova + offset, phys)]).toEqual([size, READ_ONLY]);
        stage().unmap(iova, size);
      }
    });

    it('the driver finds what the device reaches, and nothing else', () => {
      const { page, phys, domain } = stage();
      stage().map(IOVA, phys + page, 3 * page);
      expect(domain.iovaToPhys(IOVA + 2 * page + 0x123)).toBe(phys + 3 * page + 0x123);
      expect(domain.iovaToPhys(IOVA + 3 * page)).toBe(0);
    });
  });
}

/** An address for a page of that size: the usual one where it is aligned enough. */
function iovaFor(size: number, apertureEnd: number): number {
  if (size <= IOVA) return IOVA;
  return size * 2 - 1 <= apertureEnd ? size : 0;
}

/** Pages of a run worth a look: both ends, and around where large pages may begin. */
function sampled(pages: number): number[] {
  const places = [0, 1, 505, 506, 507, 508, 1018, 1019, 1020, pages - 2, pages - 1];
  return [...new Set(places.filter((page) => page < pages))];
}
