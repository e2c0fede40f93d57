import type { DmaAddr } from '@dmalab/phys-memory';
import { createRestrictedPool } from '@dmalab/swiotlb';
import { describe, expect, it } from 'vitest';
import { TestMachine, type TestMachineOptions } from '../testing/test-machine.ts';
import { DMA_ATTR_ALLOC_SINGLE_PAGES, DMA_ATTR_FORCE_CONTIGUOUS, DMA_ATTR_MMIO } from '../types/attrs.ts';
import { DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../types/direction.ts';
import { ENXIO } from '../types/errno.ts';
import { __GFP_COMP, __GFP_DMA, __GFP_DMA32, GFP_ATOMIC, GFP_KERNEL } from '../types/gfp.ts';
import { ALL_ONES } from '../types/masks.ts';
import { dmaAllocAttrs, dmaAllocCoherent, dmaFreeCoherent } from './alloc-attrs.ts';
import { dmaAllocNoncoherent, dmaAllocPages, dmaFreePages } from './alloc-pages.ts';
import type { KernelPointer } from './kernel-space.ts';
import { dmamAllocCoherent, dmamFreeCoherent, releaseManaged } from './managed.ts';
import { dmaCanMmap, dmaGetSgtable, dmaMmapAttrs, dmaMmapPages } from './mmap.ts';
import {
  dmaAllocNoncontiguous,
  dmaFreeNoncontiguous,
  dmaMmapNoncontiguous,
  dmaVmapNoncontiguous,
  dmaVunmapNoncontiguous,
} from './noncontiguous.ts';
import { CoherentPool } from './sources/coherent-pool.ts';
import type { ContiguousArea } from './sources/page-source.ts';

const WIDE = { dmaMask: ALL_ONES, coherentDmaMask: ALL_ONES };
const POOLS = { atomicPools: { zones: ['dma32', 'dma'] as const } };

function names(machine: TestMachine): string[] {
  return machine.events().map((line) => line.split(':')[0]);
}

/** An area that hands out pages upwards from its start and takes back what lies in it. */
function area(start: number, log: string[], name: string): ContiguousArea {
  return {
    alloc(count, alignOrder) {
      log.push(`${name} ${count} pages, order ${alignOrder}`);
      return start;
    },
    release: (phys) => phys >= start && phys < start + 0x100000,
  };
}

describe('direct sources (D43 to D48)', () => {
  it('D43 a platform without remap or uncached memory has no coherent memory for a non-coherent device', () => {
    const machine = new TestMachine({ options: { cacheMaintenance: true } });
    expect(dmaAllocCoherent(machine.device({ ...WIDE, dmaCoherent: false }), 4096, GFP_KERNEL)).toBe(null);
    expect(machine.logged('coherent unsupported').length).toBe(1);
  });

  it('D43 D48 remaps for a non-coherent device, and its global pool is final', () => {
    const options = { cacheMaintenance: true, directRemap: true };
    const machine = new TestMachine({ options });
    const dev = machine.device({ ...WIDE, dmaCoherent: false });
    const memory = dmaAllocCoherent(dev, 8192, GFP_KERNEL)!;
    expect(machine.context.kernelSpace.isVmalloc(memory.cpuAddr)).toBe(true);
    expect(machine.context.kernelSpace.physOf((memory.cpuAddr + 4096) as KernelPointer)).toBe(memory.dmaAddr + 4096);
    dmaFreeCoherent(dev, 8192, memory.cpuAddr, memory.dmaAddr);
    expect(machine.pages.live).toBe(0);
    const pooled = new TestMachine({ options, globalPool: new CoherentPool(0x400000, 0x400000, 4096) });
    const other = pooled.device({ ...WIDE, dmaCoherent: false });
    const first = dmaAllocCoherent(other, 100, GFP_KERNEL)!;
    expect(first.dmaAddr).toBe(0x400000);
    expect(dmaAllocCoherent(other, 100, GFP_KERNEL)).toBe(null); // T20
    dmaFreeCoherent(other, 100, 0x900000 as KernelPointer, 0x900000 as DmaAddr);
    expect(pooled.logged('global pool free').length).toBe(1);
  });

  it('D42 D49 a device that needs shared memory gets it converted, leaked if that fails, and the bit in its event', () => {
    for (const works of [true, false]) {
      const calls: string[] = [];
      const sharedMemory = {
        setDecrypted: (_phys: number, size: number) => {
          calls.push(`decrypt ${size}`);
          return works;
        },
        setEncrypted: () => works,
      };
      const machine = new TestMachine({ sharedMemory });
      const dev = machine.device({ ...WIDE, needsUnencrypted: true });
      const memory = dmaAllocCoherent(dev, 5000, GFP_KERNEL);
      expect([memory !== null, calls, machine.pages.live]).toEqual([works, ['decrypt 8192'], 1]);
      expect(machine.events()[0]).toMatch(/attrs=ALLOC_CC_SHARED$/);
      if (memory !== null) dmaFreeCoherent(dev, 5000, memory.cpuAddr, memory.dmaAddr);
    }
  });

  it('D42 refuses compound pages without a trace, warns of a zero mask, strips zone bits', () => {
    const machine = new TestMachine();
    expect(dmaAllocCoherent(machine.device(WIDE), 4096, GFP_KERNEL | __GFP_COMP)).toBe(null);
    expect(machine.events()).toEqual([]);
    dmaAllocCoherent(machine.device({ coherentDmaMask: 0 }), 4096, GFP_KERNEL);
    expect(machine.logged('dma_alloc mask').length).toBe(1);
    expect(dmaAllocCoherent(machine.device(WIDE), 4096, GFP_KERNEL | __GFP_DMA)!.dmaAddr).toBeGreaterThanOrEqual(
      2 ** 24,
    );
  });

  it('D46 CMA: only who may block; the own area is final, others serve more than a page, the node before the default', () => {
    const log: string[] = [];
    const cma = { default: area(0x10000000, log, 'default'), perNode: [area(0x11000000, log, 'node0')] };
    const machine = new TestMachine({ cma, options: { numaCma: true } });
    const dev = machine.device({ ...WIDE, node: 0 });
    dmaAllocCoherent(dev, 8192, GFP_ATOMIC);
    dmaAllocCoherent(dev, 4096, GFP_KERNEL);
    expect(log).toEqual([]);
    expect(dmaAllocCoherent(dev, 8192, GFP_KERNEL)!.dmaAddr).toBe(0x11000000);
    expect(dmaAllocCoherent(machine.device(WIDE), 2 ** 21, GFP_KERNEL)!.dmaAddr).toBe(0x10000000);
    dev.cmaArea = area(0x12000000, log, 'own');
    expect(dmaAllocCoherent(dev, 4096, GFP_KERNEL)!.dmaAddr).toBe(0x12000000);
    dmaFreeCoherent(dev, 4096, 0x12000000 as KernelPointer, 0x12000000 as DmaAddr);
    expect(log).toEqual(['node0 2 pages, order 1', 'default 512 pages, order 8', 'own 1 pages, order 0']);
  });

  it('D45 gives CMA pages out of reach back and asks the buddy allocator', () => {
    const log: string[] = [];
    const cma = { default: area(0x30000000, log, 'default'), perNode: [] };
    const machine = new TestMachine({ cma });
    expect(
      dmaAllocCoherent(machine.device({ ...WIDE, coherentDmaMask: 2 ** 28 - 1 }), 8192, GFP_KERNEL)!.dmaAddr,
    ).toBeLessThan(2 ** 28);
    expect(log.length).toBe(1);
  });
});

describe('atomic pools (D47)', () => {
  const REMAP: TestMachineOptions = { ...POOLS, options: { cacheMaintenance: true, directRemap: true } };

  it('D47 P50 are 128 KiB on a 1 GiB machine, zero their pages and grow when low', () => {
    const machine = new TestMachine(REMAP);
    const pools = machine.context.atomicPools!;
    expect([pools.sizeOf('kernel'), pools.sizeOf('dma32'), pools.sizeOf('dma')]).toEqual([0, 131072, 131072]);
    const dev = machine.device({ ...WIDE, dmaCoherent: false });
    const memory = dmaAllocCoherent(dev, 16384, GFP_ATOMIC)!;
    expect(memory.dmaAddr % 16384).toBe(0);
    pools.grow();
    expect(pools.sizeOf('dma32')).toBe(262144);
    dmaFreeCoherent(dev, 16384, memory.cpuAddr, memory.dmaAddr);
    expect(dmaAllocCoherent(dev, 16384, GFP_ATOMIC)!.dmaAddr).toBe(memory.dmaAddr);
  });

  it('D47 T20 go down a zone when empty, then warn and fail; a pool of the wrong state is no pool', () => {
    const machine = new TestMachine(REMAP);
    const dev = machine.device({ ...WIDE, dmaCoherent: false });
    expect(dmaAllocCoherent(dev, 131072, GFP_ATOMIC)!.dmaAddr).toBeGreaterThanOrEqual(2 ** 24);
    expect(dmaAllocCoherent(dev, 131072, GFP_ATOMIC)!.dmaAddr).toBeLessThan(2 ** 24);
    expect(dmaAllocCoherent(dev, 131072, GFP_ATOMIC)).toBe(null);
    expect(machine.context.atomicPools!.alloc(dev, 4096, __GFP_DMA32, true)).toBe(-1);
    expect(machine.logged('atomic pool')).toEqual([
      'DMA pool exhausted for 0000:00:03.0',
      'Failed to get suitable pool for 0000:00:03.0',
    ]);
  });
});

describe('restricted pools', () => {
  it('D43 T20 S121 serve coherent memory to the end, at the state that is wanted', () => {
    const machine = new TestMachine();
    const ioTlbMem = createRestrictedPool({ memory: machine.memory, start: 0x5000000, sizeBytes: 0x10000 });
    const dev = machine.device({ ...WIDE, ioTlbMem });
    const memory = dmaAllocCoherent(dev, 0x10000, GFP_KERNEL)!;
    expect(memory.dmaAddr).toBe(0x5000000);
    expect(dmaAllocCoherent(dev, 4096, GFP_KERNEL)).toBe(null);
    dmaFreeCoherent(dev, 0x10000, memory.cpuAddr, memory.dmaAddr);
    expect(dmaAllocPages(dev, 4096, DMA_FROM_DEVICE, GFP_KERNEL)!.dmaAddr).toBe(0x5000000);
    const shared = machine.device({ ...WIDE, ioTlbMem, needsUnencrypted: true });
    expect(dmaAllocCoherent(shared, 4096, GFP_KERNEL)).toBe(null);
  });
});

describe('frees', () => {
  it('D61 warns each time with interrupts off, traces a null pointer and stops there', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    machine.context.interruptsOff = true;
    for (let n = 0; n < 2; n++) dmaFreeCoherent(dev, 100, null, 0 as DmaAddr);
    expect(machine.logged('dma_free irqs').length).toBe(2);
    expect(machine.events()[0]).toBe(
      'dma_free: 0000:00:03.0 dir=BIDIRECTIONAL dma_addr=0 size=100 virt_addr=0000000000000000 attrs=',
    );
  });
});

describe('pages (D63)', () => {
  it('D63 refuse zone and compound flags and a zero mask, untraced; trace failures and requested sizes', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    expect(dmaAllocPages(dev, 100, DMA_TO_DEVICE, GFP_KERNEL | __GFP_DMA)).toBe(null);
    expect(dmaAllocPages(dev, 100, DMA_TO_DEVICE, GFP_KERNEL | __GFP_COMP)).toBe(null);
    expect(dmaAllocPages(machine.device({ coherentDmaMask: 0 }), 100, DMA_TO_DEVICE, GFP_KERNEL)).toBe(null);
    expect(machine.events()).toEqual([]);
    const memory = dmaAllocNoncoherent(dev, 100, DMA_TO_DEVICE, GFP_KERNEL)!;
    dmaFreePages(dev, 100, memory.cpuAddr, memory.dmaAddr, DMA_TO_DEVICE);
    expect(machine.pages.live).toBe(0);
    expect(names(machine)).toEqual(['dma_alloc_pages', 'dma_free_pages']);
    expect(machine.events()[0]).toContain(' size=100 ');
  });

  it('D63 T19 behind an IOMMU map in their direction under the streaming mask, without a dma_map_phys', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated({ ...WIDE, dmaMask: 2 ** 30 - 1 });
    const memory = dmaAllocPages(dev, 100, DMA_FROM_DEVICE, GFP_KERNEL)!;
    expect(memory.dmaAddr).toBeLessThan(2 ** 30);
    expect([...paging.entries.values()][0].prot).toBe(2 | 4);
    dmaFreePages(dev, 100, memory.cpuAddr, memory.dmaAddr, DMA_FROM_DEVICE);
    expect(names(machine)).toEqual(['map', 'dma_alloc_pages', 'dma_free_pages', 'unmap']); // T6
    expect([paging.entries.size, machine.pages.live]).toEqual([0, 0]);
    paging.failMapsWith = -12;
    expect(dmaAllocPages(dev, 100, DMA_FROM_DEVICE, GFP_KERNEL)).toBe(null);
    expect(machine.pages.live).toBe(0);
  });
});

describe('noncontiguous (D65)', () => {
  it('D65 one segment over scattered pages behind an IOMMU, events of its own, no single ones', () => {
    const machine = new TestMachine({ options: { dmaApiDebug: true } });
    const { dev, paging } = machine.translated(WIDE);
    const hole = machine.pages.allocPages(0, 0);
    machine.pages.allocPages(0, 0);
    machine.pages.freePages(hole, 0);
    const table = dmaAllocNoncontiguous(dev, 8192, DMA_FROM_DEVICE, GFP_KERNEL, DMA_ATTR_ALLOC_SINGLE_PAGES)!;
    expect([table.origNents, table.nents, table.list.entries[0].dmaLength]).toEqual([2, 1, 8192]);
    const pointer = dmaVmapNoncontiguous(dev, table);
    machine.context.kernelSpace.fill(pointer, 8192, 7);
    expect(machine.memory.load8(paging.iovaToPhys(table.list.entries[0].dmaAddress + 8191))).toBe(7);
    dmaVunmapNoncontiguous(dev, pointer);
    dmaFreeNoncontiguous(dev, 8192, table, DMA_FROM_DEVICE);
    expect(names(machine)).toEqual(['map', 'map', 'dma_alloc_sgt', 'dma_free_sgt', 'unmap']);
    expect(machine.context.debug!.state.findings.list).toEqual([]);
    expect(machine.pages.live).toBe(1);
  });

  it('D65 one block elsewhere; other attributes are refused untraced, a failure is traced', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    expect(dmaAllocNoncontiguous(dev, 8192, DMA_FROM_DEVICE, GFP_KERNEL, DMA_ATTR_MMIO)).toBe(null);
    const table = dmaAllocNoncontiguous(dev, 5000, DMA_FROM_DEVICE, GFP_KERNEL)!;
    expect(table.list.entries.map((e) => [e.length, e.dmaLength])).toEqual([[8192, 8192]]);
    expect(dmaVmapNoncontiguous(dev, table)).toBe(table.list.entries[0].dmaAddress);
    dmaFreeNoncontiguous(dev, 5000, table, DMA_FROM_DEVICE);
    expect(machine.pages.live).toBe(0);
    expect(dmaAllocNoncontiguous(dev, 2 ** 40, DMA_FROM_DEVICE, GFP_KERNEL)).toBe(null);
    expect(names(machine)).toEqual(['dma_alloc_sgt', 'dma_free_sgt', 'dma_alloc_sgt_err']);
  });
});

describe('windows and tables', () => {
  it('D64 D10 mmap takes windows inside the buffer; a table answers for itself', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    const memory = dmaAllocCoherent(dev, 10000, GFP_KERNEL)!;
    const window = (pageOffset: number, pageCount: number) => ({ pageOffset, pageCount });
    expect(dmaMmapAttrs(dev, memory, 10000, window(1, 2))).toBe(0);
    expect(dmaMmapAttrs(dev, memory, 10000, window(1, 3))).toBe(ENXIO);
    expect(dmaMmapPages(10000, window(3, 0))).toBe(ENXIO);
    expect(dmaMmapNoncontiguous(10000, 0, 3)).toBe(0);
    expect(dmaMmapAttrs(machine.device({ dmaOps: {} }), memory, 10000, window(0, 1))).toBe(ENXIO);
    const devices = [
      dev,
      machine.translated().dev,
      machine.device({ dmaOps: {} }),
      machine.device({ dmaOps: { mmap: () => 0 } }),
    ];
    expect(devices.map(dmaCanMmap)).toEqual([true, true, false, true]);
  });

  it('D32 a table of a coherent buffer has one entry, or one a run where it was remapped', () => {
    const machine = new TestMachine();
    const hole = machine.pages.allocPages(0, 0);
    machine.pages.allocPages(0, 0);
    machine.pages.freePages(hole, 0);
    const table = { list: null as never, origNents: 0, nents: 0 };
    for (const [dev, entries] of [
      [machine.device(WIDE), 1],
      [machine.translated(WIDE).dev, 2],
    ] as const) {
      const memory = dmaAllocCoherent(dev, 5000, GFP_KERNEL)!;
      expect(dmaGetSgtable(dev, table, memory, 5000)).toBe(0);
      expect(table.origNents).toBe(entries);
    }
    expect(dmaGetSgtable(machine.device({ dmaOps: {} }), table, { cpuAddr: 0, dmaAddr: 0 } as never, 1)).toBe(ENXIO);
  });

  it('D62 FORCE_CONTIGUOUS takes one run though it may block', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(WIDE);
    dmaAllocAttrs(dev, 16384, GFP_KERNEL, DMA_ATTR_FORCE_CONTIGUOUS);
    expect(paging.calls).toEqual(['map 16384']);
  });

  it('D66 managed buffers go when the driver detaches; an early free that does not fit warns', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    const first = dmamAllocCoherent(dev, 4096, GFP_KERNEL)!;
    dmamAllocCoherent(dev, 4096, GFP_KERNEL);
    dmamFreeCoherent(dev, 4096, first.cpuAddr, first.dmaAddr);
    expect(machine.logged('dmam_free_coherent')).toEqual([]);
    const other = dmaAllocCoherent(dev, 4096, GFP_KERNEL)!;
    dmamFreeCoherent(dev, 4096, other.cpuAddr, other.dmaAddr);
    expect(machine.logged('dmam_free_coherent').length).toBe(1);
    releaseManaged(dev);
    expect(machine.pages.live).toBe(0);
  });

  it('D62 gives pages and IOVA back when a map fails, at once or half way', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(WIDE);
    const hole = machine.pages.allocPages(0, 0);
    machine.pages.allocPages(0, 0);
    machine.pages.freePages(hole, 0);
    machine.pages.live = 0;
    const map = paging.map.bind(paging);
    paging.map = (...args) => {
      const result = map(...args);
      paging.failMapsWith = -12; // from the second run on
      return result;
    };
    expect(dmaAllocCoherent(dev, 8192, GFP_KERNEL)).toBe(null);
    expect([paging.entries.size, machine.pages.live]).toEqual([0, 0]);
    expect(dmaAllocCoherent(dev, 8192, GFP_KERNEL)).toBe(null);
    expect(dmaAllocCoherent(dev, 8192, GFP_ATOMIC)).toBe(null);
    expect(machine.pages.live).toBe(0);
    expect(dmaAllocPages(dev, 4096, DMA_BIDIRECTIONAL, GFP_KERNEL)).toBe(null);
  });
});
