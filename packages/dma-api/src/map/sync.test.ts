import type { DmaAddr, PhysAddr } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import type { CacheMaintenance } from '../context/cache-maintenance.ts';
import { dmaSetMask } from '../device/dma-mask.ts';
import { TestMachine } from '../testing/test-machine.ts';
import { DMA_ATTR_MMIO, DMA_ATTR_SKIP_CPU_SYNC } from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_NONE, DMA_TO_DEVICE } from '../types/direction.ts';
import { DmaBugError } from '../types/errors.ts';
import { ALL_ONES } from '../types/masks.ts';
import { dmaMapPhys, dmaUnmapPhys } from './map-phys.ts';
import {
  dmaDevNeedSync,
  dmaNeedSync,
  dmaNeedUnmap,
  dmaSyncSingleForCpu,
  dmaSyncSingleForDevice,
  dmaSyncSingleRangeForCpu,
  dmaSyncSingleRangeForDevice,
} from './sync.ts';

const WIDE = { dmaMask: ALL_ONES };
const RAM = 0x2000 as PhysAddr;

/** Cache maintenance that writes down what it is asked to do. */
function recordingCache(calls: string[]): CacheMaintenance {
  const call = (name: string) => (phys: number, size: number, dir: number) =>
    calls.push(`${name} ${phys.toString(16)}+${size} ${dir}`);
  return { forDevice: call('clean'), forCpu: call('invalidate'), flush: () => calls.push('barrier') };
}

describe('when a sync does anything', () => {
  it('D54 T1 needs set_mask to be skippable; then every call returns at once, whatever its direction', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    expect(dmaDevNeedSync(dev)).toBe(true);
    dmaSetMask(dev, ALL_ONES);
    expect(dmaDevNeedSync(dev)).toBe(false);
    dmaSyncSingleForCpu(dev, 0x2000 as DmaAddr, 64, DMA_NONE);
    expect(machine.events()).toEqual([]);
  });

  it('D55 D3 a needed sync stops on a bad direction and traces address and size', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    expect(() => dmaSyncSingleForCpu(dev, 0x2000 as DmaAddr, 64, DMA_NONE)).toThrow(DmaBugError);
    expect(() => dmaSyncSingleForDevice(dev, 0x2000 as DmaAddr, 64, DMA_NONE)).toThrow(DmaBugError);
    dmaSyncSingleForCpu(dev, 0x2000 as DmaAddr, 64, DMA_FROM_DEVICE);
    dmaSyncSingleRangeForDevice(dev, 0x2000 as DmaAddr, 16, 8, DMA_TO_DEVICE);
    expect(machine.events()).toEqual([
      'dma_sync_single_for_cpu: 0000:00:03.0 dir=FROM_DEVICE dma_addr=2000 size=64',
      'dma_sync_single_for_device: 0000:00:03.0 dir=TO_DEVICE dma_addr=2010 size=8',
    ]);
  });

  it('D54 compiles to nothing without dmaNeedSync', () => {
    const machine = new TestMachine({ options: { dmaNeedSync: false } });
    const dev = machine.device(WIDE);
    dmaSyncSingleForCpu(dev, 0x2000 as DmaAddr, 64, DMA_FROM_DEVICE);
    expect([machine.events(), dmaNeedUnmap(dev), dmaNeedSync(dev, 0x2000 as DmaAddr)]).toEqual([[], false, false]);
  });

  it('D58 D59 T2 T4 one bounce makes unmaps and syncs needed for good, maps made before stay as they are', () => {
    const machine = new TestMachine({ slots: 128, options: {} });
    const dev = machine.device({ ...WIDE, busDmaLimit: 0xffffff });
    dmaSetMask(dev, ALL_ONES);
    const before = dmaMapPhys(dev, RAM, 64, DMA_TO_DEVICE);
    expect(dmaNeedUnmap(dev)).toBe(false);
    dmaUnmapPhys(dev, before, 64, DMA_TO_DEVICE); // still runs and traces
    expect(machine.events().length).toBe(2);
    dev.busDmaLimit = 0x4000000;
    const bounced = dmaMapPhys(dev, 0x5000000 as PhysAddr, 64, DMA_TO_DEVICE);
    expect([dmaNeedUnmap(dev), dmaNeedSync(dev, bounced), dmaNeedSync(dev, before)]).toEqual([true, true, false]);
    dmaUnmapPhys(dev, bounced, 64, DMA_TO_DEVICE);
    expect(dmaNeedUnmap(dev)).toBe(true); // releasing the slot restores nothing (D53)
    dmaSetMask(dev, ALL_ONES);
    expect(dmaNeedUnmap(dev)).toBe(false);
    expect(dmaNeedUnmap(machine.translated(WIDE).dev)).toBe(true);
    expect(dmaNeedSync(machine.translated(WIDE).dev, 0x2000 as DmaAddr)).toBe(true);
  });

  it('D10 hands syncs to a table that has them', () => {
    const calls: unknown[][] = [];
    const dev = new TestMachine().device({ dmaOps: { syncSingleForCpu: (_dev, ...args) => calls.push(args) } });
    dmaSyncSingleRangeForCpu(dev, 0x2000 as DmaAddr, 16, 8, DMA_FROM_DEVICE);
    dmaSyncSingleForDevice(dev, 0x2000 as DmaAddr, 8, DMA_TO_DEVICE);
    expect(calls).toEqual([[0x2010, 8, DMA_FROM_DEVICE]]);
  });
});

describe('what a sync moves', () => {
  it('D56 copies part of a bounced buffer in its direction only', () => {
    const machine = new TestMachine({ slots: 128, force: true });
    const dev = machine.device(WIDE);
    const address = dmaMapPhys(dev, RAM, 64, DMA_BIDIRECTIONAL);
    machine.memory.fill(address, 64, 9);
    dmaSyncSingleRangeForCpu(dev, address, 8, 4, DMA_FROM_DEVICE);
    expect([0x2007, 0x2008, 0x200b, 0x200c].map((at) => machine.memory.load8(at))).toEqual([0, 9, 9, 0]);
    machine.memory.fill(0x2000, 64, 5);
    dmaSyncSingleForCpu(dev, address, 64, DMA_TO_DEVICE); // copies nothing
    expect(machine.memory.load8(0x2000)).toBe(5);
    dmaSyncSingleForDevice(dev, address, 16, DMA_TO_DEVICE);
    expect([0, 15, 16].map((at) => machine.memory.load8(address + at))).toEqual([5, 5, 9]);
  });

  it('D57 behind an IOMMU a coherent trusted device has nothing to sync, an untrusted one walks to its slot', () => {
    const machine = new TestMachine({ slots: 128 });
    const { dev } = machine.translated({ ...WIDE, untrusted: true });
    const address = dmaMapPhys(dev, RAM, 64, DMA_FROM_DEVICE);
    machine.memory.fill(TestMachine.POOL, 64, 9);
    dmaSyncSingleForCpu(dev, address, 64, DMA_FROM_DEVICE);
    expect(machine.memory.load8(0x203f)).toBe(9);
  });

  it('D17 D18 D56 a non-coherent device cleans at map, invalidates at unmap, with one barrier each (S71)', () => {
    const calls: string[] = [];
    const machine = new TestMachine({ options: { cacheMaintenance: true }, cache: recordingCache(calls) });
    const dev = machine.device({ ...WIDE, dmaCoherent: false });
    const address = dmaMapPhys(dev, RAM, 64, DMA_FROM_DEVICE);
    dmaSyncSingleForCpu(dev, address, 64, DMA_FROM_DEVICE);
    dmaSyncSingleForDevice(dev, address, 64, DMA_FROM_DEVICE);
    dmaUnmapPhys(dev, address, 64, DMA_FROM_DEVICE);
    const rounds = ['clean', 'invalidate', 'clean', 'invalidate'].flatMap((name) => [`${name} 2000+64 2`, 'barrier']);
    expect(calls).toEqual(rounds);
    calls.length = 0;
    dmaUnmapPhys(dev, dmaMapPhys(dev, RAM, 64, DMA_TO_DEVICE, DMA_ATTR_SKIP_CPU_SYNC), 64, 1, DMA_ATTR_SKIP_CPU_SYNC);
    dmaUnmapPhys(dev, dmaMapPhys(dev, RAM, 64, DMA_TO_DEVICE, DMA_ATTR_MMIO), 64, 1, DMA_ATTR_MMIO);
    expect(calls).toEqual([]);
  });

  it('D37 S24 bounces small buffers of a non-coherent device by their size alone, not those it only reads', () => {
    const options = { cacheMaintenance: true, bounceUnalignedKmalloc: true, minAlign: 128, dmaCacheAlignment: 64 };
    const machine = new TestMachine({ slots: 128, options, cache: recordingCache([]) });
    const dev = machine.device({ ...WIDE, dmaCoherent: false });
    const bounces = (size: number, dir: number) => (dmaMapPhys(dev, RAM, size, dir) as number) !== RAM;
    const sizes = [8, 32, 64, 65, 96, 97, 128, 192, 255, 256];
    expect(sizes.filter((size) => bounces(size, DMA_FROM_DEVICE))).toEqual([8, 32, 65, 96]);
    expect(bounces(8, DMA_TO_DEVICE)).toBe(false);
  });
});
