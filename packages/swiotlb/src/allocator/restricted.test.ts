import { PhysMemory } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { DMA_BIDIRECTIONAL } from '../constants.ts';
import { pciDevice } from '../testing/device.ts';
import { TestLog } from '../testing/log.ts';
import { createRestrictedPool } from './restricted.ts';

const BASE = 0x50002000;

function restricted(sizeBytes = 512 * 1024) {
  const log = new TestLog();
  const memory = new PhysMemory();
  return { log, memory, swiotlb: createRestrictedPool({ memory, log, start: BASE, sizeBytes }) };
}

describe('S120 to S122 restricted pools', () => {
  it('forces every mapping into itself and serves coherent memory', () => {
    const { log, swiotlb } = restricted(4 * 2 ** 20);
    expect([swiotlb.force, swiotlb.forAlloc, swiotlb.nslabs]).toEqual([true, true, 2048]);
    expect(log.lines).toEqual(['Reserved memory: created restricted DMA pool at 0x50002000, size 4 MiB']);
  });

  it('aligns a coherent block to its order and leaves its syncs without effect', () => {
    const { memory, swiotlb } = restricted();
    const device = pciDevice();
    expect(swiotlb.alloc(device, 4096, 0)).toBe(BASE);
    expect(swiotlb.alloc(device, 8192, 0)).toBe(0x50004000);
    expect(swiotlb.alloc(device, 12288, 0)).toBe(0x50008000);
    memory.store8(BASE, 0x11);
    swiotlb.syncForCpu(device, BASE, 1, DMA_BIDIRECTIONAL);
    expect(memory.load8(0)).toBe(0);
    expect([swiotlb.used, swiotlb.free(0x50008000), swiotlb.used]).toEqual([12, true, 6]);
    expect(swiotlb.free(0x1000)).toBe(false);
  });

  it('S121 has no other source when it is full, and says nothing', () => {
    const { log, swiotlb } = restricted(64 * 1024);
    const blocks = Array.from({ length: 17 }, () => swiotlb.alloc(pciDevice(), 4096, 0));
    expect(blocks.at(-1)).toBe(-1);
    expect(blocks.filter((at) => at >= 0).length).toBe(16);
    expect(log.lines.length).toBe(1);
  });

  it('gives a block back that the coherent mask cannot reach', () => {
    const { swiotlb } = restricted();
    expect(swiotlb.alloc(pciDevice({ coherentDmaMask: 0xffffff }), 4096, 0)).toBe(-1);
    expect(swiotlb.used).toBe(0);
  });

  it('may never fit a block whose alignment the pool does not have', () => {
    expect(restricted(64 * 1024).swiotlb.alloc(pciDevice(), 64 * 1024, 0)).toBe(-1);
  });

  it('may end inside a segment', () => {
    const { swiotlb } = restricted(100 * 2048);
    const device = pciDevice();
    expect(swiotlb.tblMapSingle(device, 0x5000000, 100 * 2048, 0, 0, 0, 0)).toBe(BASE);
    expect(swiotlb.tblMapSingle(device, 0x5000000, 1, 0, 0, 0, 0)).toBe(-1);
  });

  it.each(['reusable', 'no-map', 'linux,cma-default', 'linux,dma-default'])('refuses a node that is %s', (property) => {
    const options = { memory: new PhysMemory(), start: BASE, sizeBytes: 2 ** 20, properties: [property] };
    expect(() => createRestrictedPool(options)).toThrow(expect.objectContaining({ code: 'ERR_SWIOTLB_POOL' }));
  });

  it('refuses a coherent block that is not whole pages', () => {
    expect(() => restricted().swiotlb.alloc(pciDevice(), 100, 0)).toThrow(/100 bytes/);
  });
});
