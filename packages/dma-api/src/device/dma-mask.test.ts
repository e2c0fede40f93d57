import { describe, expect, it } from 'vitest';
import { DMA_DUMMY_OPS } from '../platform/dummy-ops.ts';
import { FIVE_GIB, TestMachine } from '../testing/test-machine.ts';
import { EINVAL, EIO } from '../types/errno.ts';
import { ALL_ONES, dmaBitMask } from '../types/masks.ts';
import {
  dmaAddressingLimited,
  dmaCoerceMaskAndCoherent,
  dmaDirectSetOffset,
  dmaGetMask,
  dmaGetRequiredMask,
  dmaGetSegBoundaryNrPages,
  dmaSetCoherentMask,
  dmaSetMask,
  dmaSetMaskAndCoherent,
  dmaSetMaxSegSize,
  dmaSetMinAlignMask,
  dmaSetSegBoundary,
  dmaSupported,
} from './dma-mask.ts';

describe('fields and getters', () => {
  it('D5 a PCI device starts with 32-bit masks, its segment limits and no skip-sync (T1)', () => {
    const dev = new TestMachine().device();
    expect([dev.dmaMask, dev.coherentDmaMask, dev.busDmaLimit]).toEqual([0xffffffff, 0xffffffff, 0]);
    expect([dev.maxSegSize, dev.minAlignMask, dev.segBoundaryMask]).toEqual([65536, 0, 0xffffffff]);
    expect([dev.dmaSkipSync, dev.coherent, dev.iommu, dev.dmaOps]).toEqual([false, true, null, null]);
  });

  it('D6 defaults: 32 bits without a mask, 65536, all ones and 0 without parameters', () => {
    const machine = new TestMachine();
    const bare = machine.device({ dmaMask: null, dmaParms: null });
    expect([dmaGetMask(bare), bare.maxSegSize, bare.segBoundaryMask, bare.minAlignMask]).toEqual([
      0xffffffff,
      65536,
      ALL_ONES,
      0,
    ]);
    expect(dmaGetMask(machine.device({ dmaMask: 0 }))).toBe(0xffffffff); // T18
    expect(dmaGetSegBoundaryNrPages(null, 12)).toBe(0x100000);
    expect(dmaGetSegBoundaryNrPages(machine.device(), 12)).toBe(0x100000);
  });

  it('D6 setters warn once and do nothing without parameters', () => {
    const machine = new TestMachine();
    const bare = machine.device({ dmaParms: null });
    dmaSetMaxSegSize(bare, 4096);
    dmaSetMaxSegSize(bare, 4096);
    expect(machine.logged('dma parms maxSegmentSize').length).toBe(1);
    const dev = machine.device();
    dmaSetMaxSegSize(dev, 4096);
    dmaSetSegBoundary(dev, 0xffff);
    dmaSetMinAlignMask(dev, 4095);
    expect([dev.maxSegSize, dev.segBoundaryMask, dev.minAlignMask]).toEqual([4096, 0xffff, 4095]);
  });
});

describe('setting masks', () => {
  it('D7 D52 dma_set_mask stores, and decides anew about skip-sync; the coherent one does not', () => {
    const dev = new TestMachine().device();
    expect(dmaSetCoherentMask(dev, dmaBitMask(64))).toBe(0);
    expect(dev.dmaSkipSync).toBe(false);
    expect(dmaSetMask(dev, dmaBitMask(64))).toBe(0);
    expect([dev.dmaMask, dev.dmaSkipSync]).toEqual([ALL_ONES, true]);
  });

  it('D7 fails with -EIO without a pointer or support; both masks at once ignore the second result', () => {
    const machine = new TestMachine();
    expect(dmaSetMask(machine.device({ dmaMask: null }), dmaBitMask(64))).toBe(EIO);
    const dev = machine.device();
    expect(dmaSetMaskAndCoherent(dev, dmaBitMask(20))).toBe(EIO);
    expect(dmaSetMaskAndCoherent(dev, dmaBitMask(40))).toBe(0);
    expect([dev.dmaMask, dev.coherentDmaMask]).toEqual([dmaBitMask(40), dmaBitMask(40)]);
  });

  it('D7 coercing points the streaming mask at the coherent one', () => {
    const dev = new TestMachine().device({ dmaMask: null });
    expect(dmaCoerceMaskAndCoherent(dev, dmaBitMask(40))).toBe(0);
    dev.coherentDmaMask = dmaBitMask(33);
    expect([dev.hasDmaMask, dev.dmaMask]).toEqual([true, dmaBitMask(33)]);
  });

  it.each([
    [32, true],
    [24, true], // ZONE_DMA ends there
    [23, false],
  ])('D8 direct supports %i bits: %s', (bits, supported) => {
    expect(dmaSupported(new TestMachine().device(), dmaBitMask(bits))).toBe(supported);
  });

  it('D8 without ZONE_DMA all RAM must be in reach; dma-iommu takes any mask; a table is asked, or takes any', () => {
    const machine = new TestMachine({ options: { zoneDma: false } });
    expect(dmaSupported(machine.device(), dmaBitMask(24))).toBe(false);
    expect(dmaSupported(machine.device(), dmaBitMask(30))).toBe(true);
    expect(dmaSupported(machine.translated().dev, 1)).toBe(true);
    expect(dmaSupported(machine.translated({ dmaOps: {} }).dev, 1)).toBe(false);
    expect(machine.logged('dma_supported').length).toBe(1);
    expect(dmaSupported(machine.device({ dmaOps: {} }), 1)).toBe(true);
    expect(dmaSupported(machine.device({ dmaOps: DMA_DUMMY_OPS }), ALL_ONES)).toBe(false);
  });

  it('D52 a table with any sync callback needs syncs, one without skips them', () => {
    const machine = new TestMachine();
    const skip = (dmaOps: object) => {
      const dev = machine.device({ dmaOps });
      dmaSetMask(dev, ALL_ONES);
      return dev.dmaSkipSync;
    };
    expect([skip({}), skip({ syncSgForCpu() {} })]).toEqual([true, false]);
    const arm = new TestMachine({ options: { cacheMaintenance: true } }).device({ dmaCoherent: false });
    dmaSetMask(arm, ALL_ONES);
    expect(arm.dmaSkipSync).toBe(false);
  });
});

describe('what a device must reach', () => {
  it.each([
    ['1 GiB', undefined, 0x3fffffff],
    ['5 GiB', FIVE_GIB, 0x1ffffffff],
  ])('D39 P92 %s needs the mask of its last byte', (_name, ram, mask) => {
    const machine = new TestMachine(ram === undefined ? {} : { ram });
    expect(dmaGetRequiredMask(machine.device())).toBe(mask);
  });

  it('D10 D40 a 32-bit device is limited with 5 GiB; behind an IOMMU 32 bits are enough', () => {
    const machine = new TestMachine({ ram: FIVE_GIB });
    expect(dmaAddressingLimited(machine.device())).toBe(true);
    expect(dmaAddressingLimited(machine.device({ dmaMask: dmaBitMask(33) }))).toBe(false);
    expect(dmaAddressingLimited(machine.device({ dmaMask: ALL_ONES, busDmaLimit: 0xffffffff }))).toBe(true);
    const { dev } = machine.translated();
    expect([dmaGetRequiredMask(dev), dmaAddressingLimited(dev)]).toEqual([0xffffffff, false]);
    expect(dmaAddressingLimited(machine.translated({ dmaMask: dmaBitMask(31) }).dev)).toBe(true);
    expect(dmaGetRequiredMask(machine.device({ dmaOps: { getRequiredMask: () => 7 } }))).toBe(7);
    expect(dmaGetRequiredMask(machine.device({ dmaOps: {} }))).toBe(0xffffffff);
  });

  it('D40 a range map that leaves RAM out limits the device', () => {
    const ranges = [{ cpuStart: 0, dmaStart: 0x80000000, size: 0x20000000 }];
    const device = (size: number) =>
      new TestMachine().device({
        dmaMask: ALL_ONES,
        dmaRangeMap: [...ranges, { cpuStart: 0x20000000, dmaStart: 0, size }],
      });
    expect(dmaAddressingLimited(device(0x1000))).toBe(true);
    expect(dmaAddressingLimited(device(0x20000000))).toBe(false);
  });

  it('D33 an offset becomes a single range, none if it is 0, and never a second one', () => {
    const machine = new TestMachine();
    const dev = machine.device();
    expect(dmaDirectSetOffset(dev, 0, 0, 4096)).toBe(0);
    expect(dev.dmaRangeMap).toBe(null);
    expect(dmaDirectSetOffset(dev, 0, 0x40000000, 0x40000000)).toBe(0);
    expect(dmaDirectSetOffset(dev, 0, 0x80000000, 0x40000000)).toBe(EINVAL);
    expect(machine.logged('dma_direct_set_offset').length).toBe(1);
  });
});
