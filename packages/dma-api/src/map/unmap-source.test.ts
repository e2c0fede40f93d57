import { DMA_MAPPING_ERROR, type PhysAddr } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { TestMachine } from '../testing/test-machine.ts';
import { DMA_ATTR_MMIO, DMA_ATTR_REQUIRE_COHERENT } from '../types/attrs.ts';
import { DMA_FROM_DEVICE } from '../types/direction.ts';
import { ALL_ONES, dmaBitMask } from '../types/masks.ts';
import { dmaMapPhys, dmaUnmapPhys } from './map-phys.ts';

const NVME = { dmaMask: ALL_ONES, dmaParms: { maxSegmentSize: 0, minAlignMask: 4095, segmentBoundaryMask: 0 } };
const BAR = 0xf8000000 as PhysAddr;
const RAM = 0x5000e00 as PhysAddr;

/** What unmap derives the source from, row by row of the table in spec D21. */
describe('unmap is not told the source address (D21)', () => {
  it('D21 direct, RAM: the inverse of the range map gives it exactly', () => {
    const calls: number[] = [];
    const cache = { forDevice() {}, forCpu: (phys: number) => calls.push(phys), flush() {} };
    const machine = new TestMachine({ options: { cacheMaintenance: true }, cache });
    const dmaRangeMap = [{ cpuStart: 0x4000000, dmaStart: 0x80000000, size: 0x4000000 }];
    const dev = machine.device({ ...NVME, dmaCoherent: false, dmaRangeMap });
    const address = dmaMapPhys(dev, RAM, 64, DMA_FROM_DEVICE);
    expect(address).toBe(0x81000e00);
    dmaUnmapPhys(dev, address, 64, DMA_FROM_DEVICE);
    expect(calls).toEqual([RAM]);
  });

  it('D21 direct, bounced: the slot knows it', () => {
    const machine = new TestMachine({ slots: 128, force: true });
    const dev = machine.device(NVME);
    const address = dmaMapPhys(dev, RAM, 64, DMA_FROM_DEVICE);
    machine.memory.fill(address, 64, 7);
    dmaUnmapPhys(dev, address, 64, DMA_FROM_DEVICE);
    expect(machine.memory.load8(RAM + 63)).toBe(7);
  });

  it('D21 direct, MMIO: nothing is derived, the caller repeats the attribute', () => {
    const machine = new TestMachine({ slots: 128 });
    const dev = machine.device(NVME);
    const address = dmaMapPhys(dev, BAR, 64, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
    dmaUnmapPhys(dev, address, 64, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
    expect(address).toBe(BAR);
  });

  it('D21 dma-iommu, RAM: the page table knows it, and is walked for a coherent device too', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(NVME);
    const address = dmaMapPhys(dev, RAM, 64, DMA_FROM_DEVICE);
    paging.entries.clear();
    dmaUnmapPhys(dev, address, 64, DMA_FROM_DEVICE);
    expect(machine.logged('dma-iommu unmap').length).toBe(1);
  });

  it('D21 dma-iommu, bounced: the page table gives the slot, the slot the buffer', () => {
    const machine = new TestMachine({ slots: 128 });
    const { dev } = machine.translated({ ...NVME, untrusted: true });
    const address = dmaMapPhys(dev, RAM, 64, DMA_FROM_DEVICE);
    machine.memory.fill(TestMachine.POOL + 0xe00, 64, 7);
    dmaUnmapPhys(dev, address, 64, DMA_FROM_DEVICE);
    expect(machine.memory.load8(RAM + 63)).toBe(7);
  });

  it('D21 dma-iommu, MMIO: address and size tear it down without a walk', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(NVME);
    const address = dmaMapPhys(dev, BAR, 4096, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
    paging.iovaToPhys = () => {
      throw new Error('walked');
    };
    dmaUnmapPhys(dev, address, 4096, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
    expect(paging.entries.size).toBe(0);
  });
});

describe('attributes that unmap does not repeat', () => {
  it.each([
    ['MMIO', DMA_ATTR_MMIO],
    ['REQUIRE_COHERENT', DMA_ATTR_REQUIRE_COHERENT],
  ])('D23 T14 a bounced map unmapped with %s silently leaks its slot and loses the data', (_name, attrs) => {
    const machine = new TestMachine({ slots: 128, force: true });
    const dev = machine.device(NVME);
    const address = dmaMapPhys(dev, RAM, 64, DMA_FROM_DEVICE);
    machine.memory.fill(address, 64, 7);
    dmaUnmapPhys(dev, address, 64, DMA_FROM_DEVICE, attrs);
    expect([machine.swiotlb!.used, machine.memory.load8(RAM), machine.context.log.records]).toEqual([1, 0, []]);
  });

  it('D23 an MMIO map unmapped without it: harmless where coherent, cache work on a BAR where not', () => {
    const calls: number[] = [];
    const cache = { forDevice() {}, forCpu: (phys: number) => calls.push(phys), flush() {} };
    const machine = new TestMachine({ options: { cacheMaintenance: true }, cache });
    for (const dmaCoherent of [true, false]) {
      const dev = machine.device({ ...NVME, dmaCoherent });
      dmaUnmapPhys(dev, dmaMapPhys(dev, BAR, 64, DMA_FROM_DEVICE, DMA_ATTR_MMIO), 64, DMA_FROM_DEVICE);
    }
    expect(calls).toEqual([BAR]);
    const { dev, paging } = machine.translated(NVME);
    dmaUnmapPhys(dev, dmaMapPhys(dev, BAR, 4096, DMA_FROM_DEVICE, DMA_ATTR_MMIO), 4096, DMA_FROM_DEVICE);
    expect(paging.entries.size).toBe(0); // works where the walk finds something
  });

  it('D22 dma_map_phys classifies nothing: a BAR without MMIO is taken for RAM and bounced', () => {
    const machine = new TestMachine({ slots: 128 });
    const dev = machine.device({ ...NVME, dmaMask: dmaBitMask(30) });
    expect(dmaMapPhys(dev, BAR, 64, DMA_FROM_DEVICE)).toBe(TestMachine.POOL);
    expect(dmaMapPhys(dev, BAR, 64, DMA_FROM_DEVICE, DMA_ATTR_MMIO)).toBe(DMA_MAPPING_ERROR);
    expect(machine.logged('dma-direct overflow').length).toBe(1);
  });
});
