import { DMA_MAPPING_ERROR, type PhysAddr } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import type { Device } from '../device/device.ts';
import { allocDirect, mapDirect } from '../device/go-direct.ts';
import type { ArchMapDirect, DmaMapOps } from '../platform/dma-map-ops.ts';
import { DMA_DUMMY_OPS, refusingMmio } from '../platform/dummy-ops.ts';
import { TestMachine } from '../testing/test-machine.ts';
import { DMA_ATTR_CC_SHARED, DMA_ATTR_MMIO } from '../types/attrs.ts';
import { DMA_TO_DEVICE } from '../types/direction.ts';
import { ALL_ONES, dmaBitMask } from '../types/masks.ts';
import { dmaMapPage, dmaMapResource, dmaUnmapPage } from './map-page.ts';
import { dmaMapPhys, dmaUnmapPhys } from './map-phys.ts';
import { dmaGetMergeBoundary, dmaMaxMappingSize, dmaOptMappingSize, dmaPciP2pdmaSupported } from './mapping-limits.ts';

const RAM = 0x2000 as PhysAddr;

/** A table that writes its calls down and answers a constant. */
function recordingOps(calls: unknown[][]): DmaMapOps {
  return {
    mapPhys(_dev, ...args) {
      calls.push(['map', ...args]);
      return 0xabc000;
    },
    unmapPhys(_dev, ...args) {
      calls.push(['unmap', ...args]);
    },
  };
}

/** PowerPC's override: buffers that end below a limit go direct. */
function archBelow(limit: number): ArchMapDirect {
  const below = (_dev: Device, end: number) => end <= limit;
  const never = () => false;
  return {
    mapPhysDirect: below,
    unmapPhysDirect: below,
    mapSgDirect: never,
    unmapSgDirect: never,
    allocDirect: never,
    freeDirect: never,
  };
}

describe('who handles a call', () => {
  it('D9 asks in order: dma-iommu flag, no table, bypass of a wide enough mask', () => {
    const machine = new TestMachine({ options: { dmaOpsBypass: true } });
    const dmaOps = {};
    const cases: [Device, boolean, boolean][] = [
      [machine.translated().dev, false, false],
      [machine.device(), true, true],
      [machine.device({ dmaOps }), false, false],
      [machine.device({ dmaOps, dmaOpsBypass: true }), true, true],
      [machine.device({ dmaOps, dmaOpsBypass: true, dmaMask: dmaBitMask(24) }), false, true], // T19
      [machine.device({ dmaOps, dmaOpsBypass: true, busDmaLimit: 0xffffff }), false, false],
    ];
    expect(cases.map(([dev]) => [mapDirect(dev), allocDirect(dev)])).toEqual(cases.map(([, ...both]) => both));
    expect(mapDirect(new TestMachine().device({ dmaOps, dmaOpsBypass: true }))).toBe(false); // not built in
  });

  it('D10 D12 gives a table the physical address, size, direction and attributes unchanged', () => {
    const calls: unknown[][] = [];
    const dev = new TestMachine().device({ dmaOps: recordingOps(calls) });
    const address = dmaMapPhys(dev, RAM, 4096, DMA_TO_DEVICE, DMA_ATTR_MMIO);
    dmaUnmapPhys(dev, address, 4096, DMA_TO_DEVICE, DMA_ATTR_MMIO);
    expect(calls).toEqual([
      ['map', 0x2000, 4096, DMA_TO_DEVICE, DMA_ATTR_MMIO],
      ['unmap', 0xabc000, 4096, DMA_TO_DEVICE, DMA_ATTR_MMIO],
    ]);
  });

  it('D10 D12 a table without map_phys fails with a trace, and its unmap is nothing', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaOps: {} });
    expect(dmaMapPhys(dev, RAM, 4096, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    dmaUnmapPhys(dev, 0 as never, 4096, DMA_TO_DEVICE);
    expect(machine.events().length).toBe(2);
  });

  it('D10 CC_SHARED never reaches a table, MMIO never the arch override', () => {
    const calls: unknown[][] = [];
    const machine = new TestMachine({ archMapDirect: archBelow(0x100000) });
    const dev = machine.device({ dmaOps: recordingOps(calls) });
    expect(dmaMapPhys(dev, RAM, 4096, DMA_TO_DEVICE, DMA_ATTR_CC_SHARED)).toBe(DMA_MAPPING_ERROR);
    expect(dmaMapPhys(dev, RAM, 4096, DMA_TO_DEVICE)).toBe(RAM);
    expect(calls).toEqual([]);
    expect(dmaMapResource(dev, RAM, 4096, DMA_TO_DEVICE)).toBe(0xabc000);
    expect(dmaMapPhys(dev, 0x100000 as PhysAddr, 4096, DMA_TO_DEVICE)).toBe(0xabc000);
    expect(calls.length).toBe(2);
  });

  it('D11 settles anew when a device moves between pass-through and translation', () => {
    const machine = new TestMachine();
    const { dev, domain } = machine.translated();
    expect(dmaMapPhys(dev, RAM, 4096, DMA_TO_DEVICE)).toBe(0xfffff000);
    dev.iommu = null;
    expect(dmaMapPhys(dev, RAM, 4096, DMA_TO_DEVICE)).toBe(RAM);
    dev.iommu = domain;
    dev.pci32bitWorkaround = false;
    dev.iommu = domain;
    expect(dev.pci32bitWorkaround).toBe(true); // set each time (I39)
  });

  it('D12 the dummy table fails everything and warns of an unmap; most tables refuse MMIO themselves', () => {
    const machine = new TestMachine();
    const dummy = machine.device({ dmaOps: DMA_DUMMY_OPS });
    expect(dmaMapPhys(dummy, RAM, 4096, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    dmaUnmapPhys(dummy, 0 as never, 4096, DMA_TO_DEVICE);
    expect(machine.logged('dma_dummy_unmap_phys').length).toBe(1);
    const calls: unknown[][] = [];
    const gart = machine.device({ dmaOps: refusingMmio(recordingOps(calls)) });
    expect(dmaMapResource(gart, RAM, 4096, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(dmaMapPhys(gart, RAM, 4096, DMA_TO_DEVICE)).toBe(0xabc000);
    expect(calls.length).toBe(1);
  });
});

describe('wrappers (D15)', () => {
  it('D15 D98 a page, a single and a resource mapping each give one dma_map_phys event', () => {
    const machine = new TestMachine();
    const dev = machine.device();
    dmaMapPage(dev, 2 as never, 0x1010, 64, DMA_TO_DEVICE); // the offset may exceed a page
    dmaMapResource(dev, 0xfe000000 as PhysAddr, 64, DMA_TO_DEVICE);
    expect(machine.events()).toEqual([
      'dma_map_phys: 0000:00:03.0 dir=TO_DEVICE dma_addr=3010 size=64 phys_addr=3010 attrs=',
      'dma_map_phys: 0000:00:03.0 dir=TO_DEVICE dma_addr=fe000000 size=64 phys_addr=fe000000 attrs=MMIO',
    ]);
  });

  it('D15 T5 page calls with MMIO fail or return without an event', () => {
    const machine = new TestMachine();
    const dev = machine.device();
    expect(dmaMapPage(dev, 2 as never, 0, 64, DMA_TO_DEVICE, DMA_ATTR_MMIO)).toBe(DMA_MAPPING_ERROR);
    dmaUnmapPage(dev, 0x2000 as never, 64, DMA_TO_DEVICE, DMA_ATTR_MMIO);
    expect(machine.events()).toEqual([]);
  });

  it('D15 T31 with dma-debug a device memory page is refused once with a warning, without it mapped', () => {
    const pages = { hasPage: () => true, isReserved: () => true, isZoneDevice: () => true, isHighMemory: () => false };
    for (const dmaApiDebug of [true, false]) {
      const machine = new TestMachine({ pages, options: { dmaApiDebug } });
      const address = dmaMapPage(machine.device(), 2 as never, 0, 64, DMA_TO_DEVICE);
      expect(address).toBe(dmaApiDebug ? DMA_MAPPING_ERROR : 0x2000);
      expect(machine.logged('dma_map_page zone device').length).toBe(dmaApiDebug ? 1 : 0);
    }
  });
});

describe('limits', () => {
  const nvme = { maxSegmentSize: 0, minAlignMask: 4095, segmentBoundaryMask: 0 };

  it('D41 gives the sizes that the traces show: 131072, 258048, unlimited', () => {
    const forced = new TestMachine({ slots: 128, force: true });
    expect(dmaMaxMappingSize(forced.device({ dmaParms: nvme }))).toBe(258048);
    expect(dmaMaxMappingSize(forced.device())).toBe(262144);
    const plain = new TestMachine({ slots: 128 });
    expect(dmaMaxMappingSize(plain.device({ dmaMask: ALL_ONES }))).toBe(ALL_ONES);
    expect(dmaMaxMappingSize(plain.device({ dmaMask: dmaBitMask(24) }))).toBe(262144);
    expect(dmaMaxMappingSize(plain.device({ dmaMask: null }))).toBe(0);
    const { dev } = plain.translated();
    expect([dmaMaxMappingSize(dev), dmaOptMappingSize(dev)]).toEqual([ALL_ONES, 131072]);
    expect(dmaMaxMappingSize(plain.translated({ untrusted: true, dmaParms: nvme }).dev)).toBe(258048);
    expect(dmaOptMappingSize(forced.device())).toBe(262144);
  });

  it('D51 D10 direct never merges, dma-iommu merges on its granule, a table answers for itself', () => {
    const machine = new TestMachine();
    const boundaries = [
      machine.device(),
      machine.translated().dev,
      machine.device({ dmaOps: { getMergeBoundary: () => 0xfff } }),
      machine.device({ dmaOps: {} }),
    ].map(dmaGetMergeBoundary);
    expect(boundaries).toEqual([0, 4095, 4095, 0]);
    expect([machine.device(), machine.device({ dmaOps: {} })].map(dmaPciP2pdmaSupported)).toEqual([true, false]);
  });
});
