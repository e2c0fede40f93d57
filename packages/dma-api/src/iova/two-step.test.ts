import { describe, expect, it } from 'vitest';
import { TestMachine } from '../testing/test-machine.ts';
import { DMA_ATTR_MMIO, DMA_ATTR_REQUIRE_COHERENT } from '../types/attrs.ts';
import { DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../types/direction.ts';
import { EIO, ENOMEM, EOPNOTSUPP, EPERM } from '../types/errno.ts';
import { dmaBitMask } from '../types/masks.ts';
import { dmaIovaLink, dmaIovaSync } from './iova-link.ts';
import { dmaIovaFree, dmaIovaTryAlloc } from './iova-reserve.ts';
import { DmaIovaState, dmaIovaSize, dmaUseIova } from './iova-state.ts';
import { dmaIovaDestroy, dmaIovaUnlink } from './iova-unlink.ts';

const PARMS = { maxSegmentSize: 65536, minAlignMask: 4095, segmentBoundaryMask: 0xffffffff };
const NVME = { dmaMask: dmaBitMask(64), dmaParms: PARMS };

describe('the two-step interface', () => {
  it('D72 zeroes the state and refuses devices without dma-iommu, size 0 and a size with bit 63', () => {
    const machine = new TestMachine();
    const state = new DmaIovaState();
    state.size = 7;
    expect(dmaIovaTryAlloc(machine.device(NVME), state, 0, 4096)).toBe(false);
    expect(dmaUseIova(state)).toBe(false);
    const { dev } = machine.translated(NVME);
    expect(dmaIovaTryAlloc(dev, state, 0, 0)).toBe(false);
    expect(dmaIovaTryAlloc(dev, state, 0, 2 ** 63)).toBe(false);
    expect(machine.logged('dma_iova_try_alloc size').length).toBe(1);
  });

  it('D76 D77 T24 shows a 128 KiB transfer of 32 pages as 32 map events and one unmap, and no dma event', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(NVME, true);
    const state = new DmaIovaState();
    expect(dmaIovaTryAlloc(dev, state, 0x5000, 131072)).toBe(true);
    for (let page = 0; page < 32; page++) {
      expect(dmaIovaLink(dev, state, 0x100000 + page * 0x2000, page * 4096, 4096, DMA_FROM_DEVICE)).toBe(0);
    }
    expect(dmaIovaSync(dev, state, 0, 131072)).toBe(0);
    expect(paging.iovaToPhys(state.addr + 31 * 4096 + 5)).toBe(0x100000 + 31 * 0x2000 + 5);
    dmaIovaDestroy(dev, state, 131072, DMA_FROM_DEVICE);
    const names = machine.events().map((line) => line.split(':')[0]);
    expect(names).toEqual([...Array<string>(32).fill('map'), 'unmap']);
    expect(machine.events().at(-1)).toMatch(/size=131072 unmapped_size=131072$/);
    expect(paging.calls.at(-1)).toBe('sync'); // at once, in a lazy domain too (D76)
    const again = new DmaIovaState();
    dmaIovaTryAlloc(dev, again, 0, 131072);
    expect(again.addr).toBe(state.addr);
  });

  it('D73 reserves room for the offset of the first byte and refuses one in the middle', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(NVME);
    const state = new DmaIovaState();
    dmaIovaTryAlloc(dev, state, 0x2e00, 4096);
    expect(state.addr % 4096).toBe(0xe00);
    expect(dmaIovaLink(dev, state, 0x2e00, 0, 4096, DMA_TO_DEVICE)).toBe(0);
    expect(paging.calls).toEqual(['map 8192']);
    expect(dmaIovaLink(dev, state, 0x2e00, 512, 64, DMA_TO_DEVICE)).toBe(EIO);
  });

  it('D73 I85 bounces head and tail of an unaligned range of an untrusted device, the middle in place', () => {
    const machine = new TestMachine({ slots: 256 });
    const { dev, paging } = machine.translated({ ...NVME, untrusted: true });
    const state = new DmaIovaState();
    machine.memory.fill(0x10f00, 0x2200, 3);
    dmaIovaTryAlloc(dev, state, 0x10f00, 0x2200);
    expect(dmaIovaLink(dev, state, 0x10f00, 0, 0x2200, DMA_FROM_DEVICE)).toBe(0);
    expect(state.bounced).toBe(true);
    expect(paging.calls).toEqual(['map 4096', 'map 8192', 'map 4096']);
    expect(paging.iovaToPhys(state.addr + 0x100)).toBe(0x11000);
    machine.memory.fill(paging.iovaToPhys(state.addr), 0x100, 8);
    machine.memory.fill(paging.iovaToPhys(state.addr + 0x2100), 0x100, 9);
    expect(dmaIovaLink(dev, state, 0x20000, 0x2200, 4096, DMA_FROM_DEVICE, DMA_ATTR_REQUIRE_COHERENT)).toBe(EOPNOTSUPP);
    dmaIovaDestroy(dev, state, 0x2200, DMA_FROM_DEVICE);
    expect([0x10f00, 0x10fff, 0x11000, 0x13000].map((phys) => machine.memory.load8(phys))).toEqual([8, 8, 3, 9]);
    expect(machine.swiotlb!.used).toBe(0);
  });

  it('D73 I85 undoes the head when the middle can not be mapped', () => {
    const machine = new TestMachine({ slots: 256 });
    const { dev, paging } = machine.translated({ ...NVME, untrusted: true });
    const map = paging.map.bind(paging);
    paging.map = (...args) => {
      const result = map(...args);
      paging.failMapsWith = -12; // from the second call on
      return result;
    };
    const state = new DmaIovaState();
    dmaIovaTryAlloc(dev, state, 0x10f00, 0x2200);
    expect(dmaIovaLink(dev, state, 0x10f00, 0, 0x2200, DMA_FROM_DEVICE)).toBe(ENOMEM);
    expect([paging.entries.size, machine.swiotlb!.used]).toEqual([0, 0]);
  });

  it('T15 D73 refuses unaligned MMIO of an untrusted device with -EPERM, and -ENOMEM without a pool', () => {
    const machine = new TestMachine();
    const { dev } = machine.translated({ ...NVME, untrusted: true });
    const state = new DmaIovaState();
    dmaIovaTryAlloc(dev, state, 0xf00, 512);
    expect(dmaIovaLink(dev, state, 0xf00, 0, 512, DMA_TO_DEVICE, DMA_ATTR_MMIO)).toBe(EPERM);
    expect(dmaIovaLink(dev, state, 0xf00, 0, 512, DMA_TO_DEVICE)).toBe(ENOMEM);
  });

  it('I86 fails the head of a device whose slots do not keep the offset, and releases the slot', () => {
    const machine = new TestMachine({ slots: 256 });
    const { dev } = machine.translated({ ...NVME, dmaParms: { ...PARMS, minAlignMask: 0 }, untrusted: true });
    const state = new DmaIovaState();
    dmaIovaTryAlloc(dev, state, 0xf00, 512);
    expect(dmaIovaLink(dev, state, 0xf00, 0, 512, DMA_TO_DEVICE)).toBe(-6);
    expect(machine.swiotlb!.used).toBe(0);
    dmaIovaDestroy(dev, state, 0, DMA_TO_DEVICE);
  });

  it('D71 the size is without the bounce mark', () => {
    const state = new DmaIovaState();
    state.size = 4096;
    state.bounced = true;
    expect([dmaUseIova(state), dmaIovaSize(state)]).toEqual([true, 4096]);
  });

  it('D74 a sync covers the granules that it touches, passes errors on, and flushes caches first', () => {
    const calls: unknown[] = [];
    const cache = { forDevice() {}, forCpu() {}, flush: () => calls.push('barrier') };
    const machine = new TestMachine({ options: { cacheMaintenance: true }, cache });
    const { dev, paging } = machine.translated({ ...NVME, dmaCoherent: false });
    paging.iotlbSyncMap = (...range: number[]) => {
      calls.push(...range);
      return -5;
    };
    const state = new DmaIovaState();
    dmaIovaTryAlloc(dev, state, 0xe00, 8192);
    expect(dmaIovaSync(dev, state, 512, 4096)).toBe(-5);
    expect(calls).toEqual(['barrier', state.addr - 0xe00 + 4096, 4096]);
    dmaIovaFree(dev, state);
  });

  it('D75 an unlink invalidates for the CPU granule by granule, warns where nothing is mapped, unmaps all the same', () => {
    const calls: string[] = [];
    const cache = { forDevice() {}, forCpu: (phys: number, size: number) => calls.push(`${phys}+${size}`), flush() {} };
    const machine = new TestMachine({ options: { cacheMaintenance: true }, cache });
    const { dev, paging } = machine.translated({ ...NVME, dmaCoherent: false });
    const state = new DmaIovaState();
    dmaIovaTryAlloc(dev, state, 0xe00, 8192);
    dmaIovaLink(dev, state, 0x2e00, 0, 8192, DMA_FROM_DEVICE);
    paging.entries.delete(state.addr - 0xe00 + 8192);
    dmaIovaUnlink(dev, state, 0, 8192, DMA_FROM_DEVICE);
    expect(calls).toEqual([`${0x2e00}+512`, `${0x3000}+4096`]);
    expect(machine.logged('dma_iova_unlink').length).toBe(1);
    expect(paging.entries.size).toBe(0);
  });
});
