import { describe, expect, it } from 'vitest';
import { TestMachine } from '../testing/test-machine.ts';
import { DMA_ATTR_CC_SHARED, DMA_ATTR_NO_KERNEL_MAPPING } from '../types/attrs.ts';
import { GFP_ATOMIC, GFP_KERNEL } from '../types/gfp.ts';
import { dmaBitMask } from '../types/masks.ts';
import { dmaAllocAttrs, dmaAllocCoherent, dmaFreeAttrs, dmaFreeCoherent } from './alloc-attrs.ts';
import { dmaDeclareCoherentMemory } from './sources/coherent-pool.ts';

const WIDE = { dmaMask: dmaBitMask(64), coherentDmaMask: dmaBitMask(64) };

describe('direct', () => {
  it('D43 D42 gives whole zeroed pages, aligned to their power of two (P94), and traces the size asked for', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    machine.memory.fill(0x1000000, 65536, 0xff);
    const memory = dmaAllocCoherent(dev, 12288, GFP_KERNEL)!;
    expect(memory.dmaAddr % 16384).toBe(0);
    expect(machine.memory.load32(memory.cpuAddr + 12284)).toBe(0);
    expect(machine.events()[0]).toMatch(
      /^dma_alloc: 0000:00:03\.0 dir=BIDIRECTIONAL dma_addr=[0-9a-f]+ size=12288 virt_addr=[0-9a-f]{16} flags=GFP_KERNEL attrs=$/,
    );
    dmaFreeCoherent(dev, 12288, memory.cpuAddr, memory.dmaAddr);
    expect(machine.pages.live).toBe(0);
  });

  it('D45 T21 goes down the zones only when pages came back out of reach', () => {
    const machine = new TestMachine();
    const dev = machine.device({ ...WIDE, coherentDmaMask: dmaBitMask(25) });
    machine.pages.allocPages(0, 10); // the lowest 4 MiB of DMA32
    const memory = dmaAllocCoherent(dev, 4096, GFP_KERNEL)!;
    expect(memory.dmaAddr).toBeLessThan(2 ** 25);
  });

  it('D45 fails when not even the lowest zone is in reach, and keeps no page', () => {
    const machine = new TestMachine();
    expect(dmaAllocCoherent(machine.device({ ...WIDE, coherentDmaMask: 0xfff }), 4096, GFP_KERNEL)).toBe(null);
    expect(machine.pages.live).toBe(0);
  });

  it('D42 refuses callers that pass CC_SHARED, with an event of address 0', () => {
    const machine = new TestMachine();
    expect(dmaAllocAttrs(machine.device(WIDE), 4096, GFP_KERNEL, DMA_ATTR_CC_SHARED)).toBe(null);
    expect(machine.events()).toEqual([
      'dma_alloc: 0000:00:03.0 dir=BIDIRECTIONAL dma_addr=0 size=4096 virt_addr=0000000000000000 flags=GFP_KERNEL attrs=CC_SHARED',
    ]);
  });

  it('D44 returns an unzeroed cookie without a kernel mapping, and takes it back', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    machine.memory.fill(0x1000000, 4096, 0xff);
    const memory = dmaAllocAttrs(dev, 4096, GFP_KERNEL, DMA_ATTR_NO_KERNEL_MAPPING)!;
    expect(memory.cpuAddr).toBe(memory.dmaAddr / 4096);
    expect(machine.memory.load8(memory.dmaAddr)).toBe(0xff);
    dmaFreeAttrs(dev, 4096, memory.cpuAddr, memory.dmaAddr, DMA_ATTR_NO_KERNEL_MAPPING);
    expect(machine.pages.live).toBe(0);
  });

  it('D50 T20 serves a device pool to the end and never falls back', () => {
    const machine = new TestMachine();
    const dev = machine.device(WIDE);
    expect(dmaDeclareCoherentMemory(dev, 0x200000, 0x80000000, 8192)).toBe(0);
    expect(dmaDeclareCoherentMemory(dev, 0x200000, 0x80000000, 8192)).toBe(-16);
    const first = dmaAllocCoherent(dev, 4096, GFP_KERNEL)!;
    expect([first.cpuAddr, first.dmaAddr]).toEqual([0x200000, 0x80000000]);
    expect(dmaAllocCoherent(dev, 4096, GFP_KERNEL)!.dmaAddr).toBe(0x80001000);
    expect(dmaAllocCoherent(dev, 4096, GFP_KERNEL)).toBe(null);
    dmaFreeCoherent(dev, 4096, first.cpuAddr, first.dmaAddr);
    expect(machine.events().some((line) => line.startsWith('dma_free'))).toBe(false);
    expect(dmaAllocCoherent(dev, 4096, GFP_KERNEL)!.dmaAddr).toBe(0x80000000);
  });
});

describe('dma-iommu', () => {
  it('D62 I55 maps one event a contiguous run when it may block, one in all when not', () => {
    const machine = new TestMachine();
    const { dev, paging } = machine.translated(WIDE);
    const hole = machine.pages.allocPages(0, 0);
    const later = machine.pages.allocPages(0, 0);
    machine.pages.freePages(hole, 0);
    const memory = dmaAllocCoherent(dev, 8192, GFP_KERNEL)!;
    expect(paging.calls).toEqual(['map 4096', 'map 4096']);
    machine.context.kernelSpace.store32(((memory.cpuAddr as number) + 4096) as typeof memory.cpuAddr, 0xabcd);
    expect(machine.memory.load32(paging.iovaToPhys(memory.dmaAddr + 4096))).toBe(0xabcd);
    dmaFreeCoherent(dev, 8192, memory.cpuAddr, memory.dmaAddr);
    machine.pages.freePages(later, 0);
    paging.calls.length = 0;
    const atomic = dmaAllocCoherent(dev, 512, GFP_ATOMIC)!;
    expect(paging.calls).toEqual(['map 4096']);
    dmaFreeCoherent(dev, 512, atomic.cpuAddr, atomic.dmaAddr);
    expect(machine.pages.live).toBe(0);
    expect(paging.entries.size).toBe(0);
  });

  it('D97 T6 traces a free before it unmaps', () => {
    const machine = new TestMachine();
    const { dev } = machine.translated(WIDE);
    const memory = dmaAllocCoherent(dev, 512, GFP_KERNEL)!;
    dmaFreeCoherent(dev, 512, memory.cpuAddr, memory.dmaAddr);
    expect(machine.events().map((line) => line.split(':')[0])).toEqual(['map', 'dma_alloc', 'dma_free', 'unmap']);
  });
});
