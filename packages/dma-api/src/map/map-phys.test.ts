import { DMA_MAPPING_ERROR, type DmaAddr, type PhysAddr } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { dmaSetMask } from '../device/dma-mask.ts';
import { TestMachine } from '../testing/test-machine.ts';
import {
  DMA_ATTR_CC_SHARED,
  DMA_ATTR_MMIO,
  DMA_ATTR_REQUIRE_COHERENT,
  DMA_ATTR_SKIP_CPU_SYNC,
} from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_NONE, DMA_TO_DEVICE } from '../types/direction.ts';
import { DmaArgumentError, DmaBugError } from '../types/errors.ts';
import { dmaBitMask } from '../types/masks.ts';
import { dmaMapPhys, dmaUnmapPhys } from './map-phys.ts';

const NVME = {
  dmaMask: dmaBitMask(64),
  dmaParms: { maxSegmentSize: 65536, minAlignMask: 4095, segmentBoundaryMask: 0xffffffff },
};
const at = (value: number): PhysAddr => value as PhysAddr;

function bytes(machine: TestMachine, phys: number, length: number): number[] {
  const into = new Uint8Array(length);
  machine.memory.read(phys, into);
  return [...into];
}

describe('direct', () => {
  it('D13 D17 maps RAM at its own address, traces once, and unmaps by arithmetic (D18, D21)', () => {
    const machine = new TestMachine();
    const dev = machine.device(NVME);
    const address = dmaMapPhys(dev, at(0x25d2e00), 512, DMA_FROM_DEVICE);
    expect(address).toBe(0x25d2e00);
    dmaUnmapPhys(dev, address, 512, DMA_FROM_DEVICE);
    expect(machine.events()).toEqual([
      'dma_map_phys: 0000:00:03.0 dir=FROM_DEVICE dma_addr=25d2e00 size=512 phys_addr=25d2e00 attrs=',
      'dma_unmap_phys: 0000:00:03.0 dir=FROM_DEVICE dma_addr=25d2e00 size=512 attrs=',
    ]);
  });

  it('D17 D38 reports one overflow a machine and traces the failed map with all ones (T5)', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaMask: dmaBitMask(24) });
    expect(dmaMapPhys(dev, at(0x1000000), 4096, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(dmaMapPhys(dev, at(0x2000000), 4096, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(machine.logged('dma-direct overflow')).toEqual([
      'DMA addr 0x0000000001000000+4096 overflow (mask ffffff, bus limit 0).',
    ]);
    expect(machine.events()[0]).toBe(
      'dma_map_phys: 0000:00:03.0 dir=TO_DEVICE dma_addr=ffffffffffffffff size=4096 phys_addr=1000000 attrs=',
    );
  });

  it('D35 D18 bounces what the mask does not reach, copies in for every direction and back at unmap (T11, T12)', () => {
    const machine = new TestMachine({ slots: 256 });
    const dev = machine.device({ ...NVME, dmaMask: dmaBitMask(26) });
    machine.memory.fill(0x5000e00, 512, 7);
    const address = dmaMapPhys(dev, at(0x5000e00), 512, DMA_FROM_DEVICE);
    expect(address).toBe(TestMachine.POOL + 0xe00);
    expect(bytes(machine, address, 3)).toEqual([7, 7, 7]);
    machine.memory.fill(address, 2, 9);
    dmaUnmapPhys(dev, address, 512, DMA_FROM_DEVICE);
    expect(bytes(machine, 0x5000e00, 3)).toEqual([9, 9, 7]);
    expect(machine.swiotlb!.used).toBe(0);
    expect(machine.events()[0]).toBe(
      'swiotlb_bounced: dev_name: 0000:00:03.0 dma_mask=3ffffff dev_addr=5000e00 size=512 NORMAL',
    );
  });

  it('D17 refuses MMIO and coherence under force without a bounce event, D53 a bounce ends skip-sync', () => {
    const machine = new TestMachine({ slots: 256, force: true });
    const dev = machine.device(NVME);
    dmaSetMask(dev, dmaBitMask(64));
    expect(dev.dmaSkipSync).toBe(true);
    expect(dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE, DMA_ATTR_MMIO)).toBe(DMA_MAPPING_ERROR);
    expect(dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE, DMA_ATTR_REQUIRE_COHERENT)).toBe(DMA_MAPPING_ERROR);
    expect(machine.events().filter((line) => line.startsWith('swiotlb'))).toEqual([]);
    dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE);
    expect(dev.dmaSkipSync).toBe(false);
  });

  it('T13 loses the device data when unmap skips the sync, T14 leaks the slot when unmap adds MMIO', () => {
    const machine = new TestMachine({ slots: 256, force: true });
    const dev = machine.device(NVME);
    const first = dmaMapPhys(dev, at(0x2000), 64, DMA_FROM_DEVICE);
    machine.memory.fill(first, 64, 5);
    dmaUnmapPhys(dev, first, 64, DMA_FROM_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
    expect(bytes(machine, 0x2000, 1)).toEqual([0]);
    const second = dmaMapPhys(dev, at(0x2000), 64, DMA_FROM_DEVICE);
    dmaUnmapPhys(dev, second, 64, DMA_FROM_DEVICE, DMA_ATTR_MMIO);
    expect(machine.swiotlb!.used).toBe(1);
  });

  it('T17 gives size 0 at address 0 a last byte of all ones', () => {
    const machine = new TestMachine();
    expect(dmaMapPhys(machine.device({ dmaMask: dmaBitMask(32) }), at(0), 0, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(dmaMapPhys(machine.device({ dmaMask: dmaBitMask(64) }), at(0), 0, DMA_TO_DEVICE)).toBe(0);
  });
});

describe('dma-iommu', () => {
  it('D19 D20 maps whole granules below 4 GiB first and unmaps by the page table', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(NVME);
    const address = dmaMapPhys(dev, at(0x2672e00), 512, DMA_TO_DEVICE);
    expect(address).toBe(0xfffffe00);
    expect([...paging.entries]).toEqual([[0xfffff000, { phys: 0x2672000, prot: 1 | 4 }]]);
    dmaUnmapPhys(dev, address, 512, DMA_TO_DEVICE);
    expect(paging.entries.size).toBe(0);
    expect(machine.events().map((line) => line.split(':')[0])).toEqual([
      'map',
      'dma_map_phys',
      'unmap',
      'dma_unmap_phys',
    ]);
  });

  it('D19 gives each direction its protection, MMIO in place of CACHE', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(NVME);
    const prot = (dir: number, attrs = 0): number => {
      dmaMapPhys(dev, at(0x2000), 4096, dir, attrs);
      return [...paging.entries.values()].at(-1)!.prot;
    };
    expect([prot(DMA_BIDIRECTIONAL), prot(DMA_TO_DEVICE), prot(DMA_FROM_DEVICE)]).toEqual([7, 5, 6]);
    expect(prot(DMA_TO_DEVICE, DMA_ATTR_MMIO)).toBe(1 | 16);
    expect(prot(DMA_TO_DEVICE, 0x200)).toBe(1 | 4 | 32);
  });

  it('D19 I51 bounces unaligned ranges of an untrusted device and zeroes what lies beside them', () => {
    const machine = new TestMachine({ slots: 256 });
    const { dev, paging } = machine.translated({ ...NVME, untrusted: true });
    machine.memory.fill(TestMachine.POOL, 4096, 0xee);
    machine.memory.fill(0x2e00, 256, 1);
    const address = dmaMapPhys(dev, at(0x2e00), 256, DMA_TO_DEVICE);
    expect(address % 4096).toBe(0xe00);
    expect([...paging.entries.values()][0]!.phys).toBe(TestMachine.POOL);
    expect(bytes(machine, TestMachine.POOL + 0xdff, 2)).toEqual([0, 1]);
    expect(bytes(machine, TestMachine.POOL + 0xeff, 2)).toEqual([1, 0]);
    dmaUnmapPhys(dev, address, 256, DMA_TO_DEVICE);
    expect(machine.swiotlb!.used).toBe(0);
  });

  it('D19 gives the slot back when the page table fails', () => {
    const machine = new TestMachine({ slots: 256 });
    const { dev, paging } = machine.translated({ ...NVME, untrusted: true });
    paging.failMapsWith = -12;
    expect(dmaMapPhys(dev, at(0x2e00), 256, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(machine.swiotlb!.used).toBe(0);
    expect(machine.events().at(-1)).toContain('dma_addr=ffffffffffffffff');
  });

  it('D20 T16 warns and leaves the mapping when the walk finds physical 0', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(NVME);
    const address = dmaMapPhys(dev, at(0), 4096, DMA_TO_DEVICE);
    dmaUnmapPhys(dev, address, 4096, DMA_TO_DEVICE);
    expect(machine.logged('dma-iommu unmap').length).toBe(1);
    expect(paging.entries.size).toBe(1);
    dmaUnmapPhys(dev, address, 4096, DMA_TO_DEVICE, DMA_ATTR_MMIO);
    expect(paging.entries.size).toBe(0);
  });
});

describe('the order of checks (D13, D14)', () => {
  it('D3 stops on a direction that is none, before anything else', () => {
    const dev = new TestMachine().device({ dmaMask: null });
    expect(() => dmaMapPhys(dev, at(0), 1, DMA_NONE)).toThrow(DmaBugError);
    expect(() => dmaUnmapPhys(dev, 0 as DmaAddr, 1, 7)).toThrow(DmaBugError);
  });

  it('D13 step 2 warns once and traces nothing for a null mask pointer; unmap would crash', () => {
    const machine = new TestMachine();
    const dev = machine.device({ dmaMask: null });
    expect(dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE)).toBe(DMA_MAPPING_ERROR);
    expect(machine.logged('dma_map_phys mask').length).toBe(1);
    expect(machine.events()).toEqual([]);
    expect(() => dmaUnmapPhys(dev, 0 as DmaAddr, 64, DMA_TO_DEVICE)).toThrow(DmaBugError);
  });

  it('D13 looks at the mask before it looks at coherence', () => {
    const machine = new TestMachine({ options: { cacheMaintenance: true } });
    const dev = machine.device({ dmaMask: null, dmaCoherent: false });
    dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE, DMA_ATTR_REQUIRE_COHERENT);
    expect(machine.logged('dma_map_phys mask').length).toBe(1);
  });

  it('D13 steps 3 and 4 fail without a trace: coherence of a non-coherent device, CC_SHARED behind an IOMMU', () => {
    const machine = new TestMachine({ options: { cacheMaintenance: true } });
    const dev = machine.device({ ...NVME, dmaCoherent: false });
    expect(dmaMapPhys(dev, at(0x2000), 64, DMA_TO_DEVICE, DMA_ATTR_REQUIRE_COHERENT)).toBe(DMA_MAPPING_ERROR);
    const { dev: translated } = machine.translated(NVME);
    expect(dmaMapPhys(translated, at(0x2000), 64, DMA_TO_DEVICE, DMA_ATTR_CC_SHARED)).toBe(DMA_MAPPING_ERROR);
    dmaUnmapPhys(translated, 0 as DmaAddr, 64, DMA_TO_DEVICE, DMA_ATTR_CC_SHARED);
    expect(machine.events()).toEqual([]);
  });

  it('refuses ranges that no kernel could pass, with the operands', () => {
    const dev = new TestMachine().device(NVME);
    expect(() => dmaMapPhys(dev, at(0x2000), -1, DMA_TO_DEVICE)).toThrow(DmaArgumentError);
    expect(() => dmaMapPhys(dev, at(2 ** 52), 1, DMA_TO_DEVICE)).toThrow(/2\^52/);
  });
});
