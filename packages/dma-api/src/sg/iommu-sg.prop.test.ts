import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { TestMachine } from '../testing/test-machine.ts';
import { DMA_TO_DEVICE } from '../types/direction.ts';
import { ALL_ONES } from '../types/masks.ts';
import { dmaMapSg, dmaUnmapSg } from './map-sg.ts';
import { Scatterlist } from './scatterlist.ts';

/** Entries that lie anywhere in RAM, aligned or not, often adjacent. */
const entry = fc.record({
  page: fc.integer({ min: 0x200, max: 0x210 }),
  offset: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4095 })),
  length: fc.oneof(fc.constant(4096), fc.integer({ min: 1, max: 12000 })),
});
const boundary = fc.constantFrom(ALL_ONES, 0xffffffff, 0xffff, 0x3fff);
const maxSegmentSize = fc.constantFrom(65536, 16384, 12000);

describe('a scatterlist behind an IOMMU', () => {
  test.prop([fc.array(entry, { minLength: 1, maxLength: 8 }), boundary, maxSegmentSize], { numRuns: 60 })(
    'D31 I62 I66 shows the device every byte in order, within its limits, and leaves nothing behind',
    (ranges, segmentBoundaryMask, maxSegSize) => {
      const machine = new TestMachine();
      const { dev, paging } = machine.translated({
        dmaMask: ALL_ONES,
        dmaParms: { maxSegmentSize: maxSegSize, minAlignMask: 0, segmentBoundaryMask },
      });
      const cpuSide = ranges.map(({ page, offset, length }) => ({
        phys: page * 4096 + offset,
        length: Math.min(length, maxSegSize),
      }));
      const list = Scatterlist.fromRanges(cpuSide);
      const count = dmaMapSg(dev, list, cpuSide.length, DMA_TO_DEVICE);
      expect(count).toBeGreaterThan(0);
      const segments = list.entries
        .slice(0, count)
        .map((e) => ({ address: e.dmaAddress as number, length: e.dmaLength }));
      expect(
        segments.flatMap(({ address, length }) => bytesOf(address, length).map((at) => paging.iovaToPhys(at))),
      ).toEqual(cpuSide.flatMap(({ phys, length }) => bytesOf(phys, length)));
      for (const { address, length } of segments) {
        expect(length).toBeLessThanOrEqual(maxSegSize);
        const crosses =
          segmentBoundaryMask < ALL_ONES &&
          Math.floor(address / (segmentBoundaryMask + 1)) !==
            Math.floor((address + length - 1) / (segmentBoundaryMask + 1));
        // One entry that is longer than the boundary's distance can't be helped: nobody splits entries.
        if (crosses) expect(length).toBeGreaterThan(segmentBoundaryMask + 1 - 4096);
      }
      dmaUnmapSg(dev, list, cpuSide.length, DMA_TO_DEVICE);
      expect(paging.entries.size).toBe(0);
    },
  );
});

/** All addresses of a range. */
function bytesOf(start: number, length: number): number[] {
  return Array.from({ length }, (_, i) => start + i);
}
