import { describe, expect, it } from 'vitest';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import { TestMachine } from '../testing/test-machine.ts';
import { GFP_ATOMIC, GFP_KERNEL } from '../types/gfp.ts';
import { dmaPoolAlloc, dmaPoolCreate, dmaPoolDestroy, dmaPoolFree, dmaPoolZalloc, poolsAttribute } from './dma-pool.ts';

describe('dma_pool', () => {
  it.each([
    // size, align, boundary -> block size, boundary; null where creation is refused
    [8, 0, 0, 16, 4096],
    [100, 32, 0, 128, 4096],
    [256, 256, 512, 256, 512],
    [5000, 8, 0, 5000, 5000],
    [64, 64, 2 ** 20, 64, 4096],
    [64, 3, 0, null, 0],
    [0, 1, 0, null, 0],
    [2 ** 31, 1, 0, null, 0],
    [64, 64, 100, null, 0],
    [64, 64, 32, null, 0],
  ])('D67 create(size %i, align %i, boundary %i) gives blocks of %s', (size, align, boundary, block, edge) => {
    const pool = dmaPoolCreate('p', new TestMachine().device(), size, align, boundary);
    expect(pool?.blockSize ?? null).toBe(block);
    if (pool !== null) expect(pool.boundary).toBe(edge);
  });

  it('D67 needs a device, cuts the name and puts the newest pool first', () => {
    const dev = new TestMachine().device();
    expect(dmaPoolCreate('p', null, 64, 64, 0)).toBe(null);
    dmaPoolCreate('first', dev, 64, 64, 0);
    dmaPoolCreate('x'.repeat(40), dev, 64, 64, 0);
    expect(dev.dmaPools.map((pool) => pool.name)).toEqual(['x'.repeat(31), 'first']);
  });

  it('D68 grows by one coherent chunk and hands its blocks out in ascending order, none across a boundary', () => {
    const machine = new TestMachine();
    const dev = machine.device();
    const pool = dmaPoolCreate('prp', dev, 1536, 512, 4096)!;
    const offsets = [0, 1, 2].map(() => dmaPoolAlloc(pool, GFP_ATOMIC)!.dmaAddr % 4096);
    expect(offsets).toEqual([0, 1536, 0]);
    expect(machine.events().filter((line) => /dma_alloc: .*size=4096 .*flags=GFP_ATOMIC/.test(line)).length).toBe(2);
  });

  it('D69 T22 is last-in first-out and believes the handle that it is given', () => {
    const pool = dmaPoolCreate('prp', new TestMachine().device(), 256, 256, 0)!;
    const a = dmaPoolAlloc(pool, GFP_KERNEL)!;
    const b = dmaPoolAlloc(pool, GFP_KERNEL)!;
    dmaPoolFree(pool, a.cpuAddr, 0x1234 as typeof a.dmaAddr);
    dmaPoolFree(pool, b.cpuAddr, b.dmaAddr);
    expect(dmaPoolAlloc(pool, GFP_KERNEL)).toEqual(b);
    expect(dmaPoolAlloc(pool, GFP_KERNEL)!.dmaAddr).toBe(0x1234);
  });

  it('D69 complains of writes to free blocks, double frees and strangers in a debug build', () => {
    const machine = new TestMachine({ options: { slubDebug: true } });
    const pool = dmaPoolCreate('prp', machine.device(), 64, 64, 0)!;
    const a = dmaPoolAlloc(pool, GFP_KERNEL)!;
    expect(machine.memory.load8(a.cpuAddr)).toBe(0xa9);
    dmaPoolFree(pool, a.cpuAddr, a.dmaAddr);
    expect(machine.memory.load8(a.cpuAddr)).toBe(0xa7);
    dmaPoolFree(pool, a.cpuAddr, a.dmaAddr);
    dmaPoolFree(pool, 0x7000000 as KernelPointer, a.dmaAddr);
    machine.memory.store8(a.cpuAddr + 20, 1);
    expect(dmaPoolZalloc(pool, GFP_KERNEL)!.cpuAddr).toBe(a.cpuAddr);
    expect(machine.memory.load8(a.cpuAddr + 20)).toBe(0);
    const address = a.cpuAddr.toString(16);
    expect(machine.logged('dma_pool')).toEqual([
      `dma_pool prp, ${address} already free`,
      'dma_pool prp, 7000000 (bad address)',
      `dma_pool prp, ${address} (corrupted) at offset 20`,
    ]);
  });

  it('D70 frees chunks at destroy unless blocks are out, and prints its attribute', () => {
    const machine = new TestMachine();
    const dev = machine.device();
    dmaPoolDestroy(null);
    const idle = dmaPoolCreate('idle', dev, 64, 64, 0)!;
    const block = dmaPoolAlloc(idle, GFP_KERNEL)!;
    const busy = dmaPoolCreate('busy', dev, 256, 256, 0)!;
    dmaPoolAlloc(busy, GFP_KERNEL);
    expect(poolsAttribute(dev)).toBe(
      'poolinfo - 0.1\nbusy                1   16  256  1\nidle                1   64   64  1\n',
    );
    dmaPoolFree(idle, block.cpuAddr, block.dmaAddr);
    dmaPoolDestroy(idle);
    dmaPoolDestroy(busy);
    expect(machine.pages.live).toBe(1);
    expect(machine.logged('dma_pool_destroy')).toEqual(['dma_pool_destroy busy, 1 busy']);
  });
});
