import { DMA_MAPPING_ERROR, type DmaAddr, type PhysAddr } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { dmaSetMinAlignMask } from '../device/dma-mask.ts';
import { dmaMapPhys, dmaUnmapPhys } from '../map/map-phys.ts';
import { benchDevice } from '../testing/bench-machine.ts';
import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../types/direction.ts';
import { dmaBitMask } from '../types/masks.ts';

const PAGE = 4096;
const BUFFER = 0x1_2345_6000;

/** A device whose first pages come from a cache, not from the tree: only those can take the lane. */
function warmDevice(backend: 'lazy' | 'strict') {
  const dev = benchDevice(backend);
  const pages = Array.from({ length: 4 }, (_, i) =>
    dmaMapPhys(dev, (BUFFER + i * PAGE) as PhysAddr, PAGE, DMA_TO_DEVICE),
  );
  for (const page of pages) dmaUnmapPhys(dev, page, PAGE, DMA_TO_DEVICE);
  if (backend === 'lazy') dev.iommu?.flushQueue?.runTimer();
  return dev;
}

describe.each(['lazy', 'strict'] as const)('a page behind an IOMMU, %s', (backend) => {
  it.each([
    ['a whole page', 0, PAGE, DMA_TO_DEVICE],
    ['the end of a page', 0xe00, 512, DMA_FROM_DEVICE],
    ['one byte', 0xfff, 1, DMA_BIDIRECTIONAL],
    ['two pages', 0x800, PAGE, DMA_TO_DEVICE],
  ])(
    'D19 gives %s the address that a watched device gets, and its unmap leaves nothing mapped',
    (_, offset, size, dir) => {
      const short = warmDevice(backend);
      const long = warmDevice(backend);
      long.context.ring.on = true;
      expect([short.pageLane === null, long.pageLane === null]).toEqual([false, true]);
      const phys = (BUFFER + offset) as PhysAddr;
      const address = dmaMapPhys(short, phys, size, dir);
      expect(address).toBe(dmaMapPhys(long, phys, size, dir));
      expect(short.iommu?.iovaToPhys(address)).toBe(phys);
      for (const dev of [short, long]) dmaUnmapPhys(dev, address, size, dir);
      expect(short.iommu?.iovaToPhys(address)).toBe(0);
      expect(short.iommu?.sameAllocator(long.iommu!)).toBe(true);
    },
  );
});

it('D14 unmaps nothing for an address that is none', () => {
  const dev = warmDevice('strict');
  expect(dev.iommu?.linkRange(0, BUFFER, PAGE, 7)).toBe(0);
  dmaUnmapPhys(dev, DMA_MAPPING_ERROR, 1, DMA_TO_DEVICE);
  expect(dev.iommu?.iovaToPhys(0)).toBe(BUFFER);
});

it('D6 closes the lane of a device that needs more alignment than a page has', () => {
  const dev = warmDevice('strict');
  dmaSetMinAlignMask(dev, 0xffff);
  expect(dev.pageLane).toBeNull();
  expect(dmaMapPhys(dev, BUFFER as PhysAddr, PAGE, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
});

it('I37 keeps to a mask that shrank after pages above it were cached', () => {
  const dev = warmDevice('strict');
  dev.dmaMask = dmaBitMask(30);
  const address: DmaAddr = dmaMapPhys(dev, BUFFER as PhysAddr, PAGE, DMA_TO_DEVICE);
  expect(address).toBeLessThan(2 ** 30);
  expect(dev.iommu?.iovaToPhys(address)).toBe(BUFFER);
});
