import { PhysMemory } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { DMA_FROM_DEVICE, DMA_TO_DEVICE } from '../constants.ts';
import { SwiotlbPool } from '../pool/pool.ts';
import { nvmeDevice, pciDevice } from '../testing/device.ts';
import { TestLog } from '../testing/log.ts';
import { swiotlbDebugfs } from './debugfs.ts';
import type { PageZone } from './growth.ts';
import { Swiotlb } from './swiotlb.ts';

const BASE = 0x10000000;
const FULL = 0x40000; // a whole segment

/** Hands out memory upwards by zone, up to a size, and keeps the books. */
class Pages {
  readonly asked: string[] = [];
  readonly freed: string[] = [];
  largest = Number.POSITIVE_INFINITY;
  readonly #next: Record<PageZone, number> = { DMA: 0x100000, DMA32: 0x20000000, Normal: 2 ** 32 };

  allocatePages(bytes: number, zone: PageZone): number {
    this.asked.push(`${zone} ${bytes}`);
    if (bytes > this.largest) return -1;
    const at = this.#next[zone];
    this.#next[zone] += 0x800000;
    return at;
  }

  freePages(start: number, bytes: number): void {
    this.freed.push(`${start.toString(16)} ${bytes}`);
  }
}

function growing(slotCount = 128, areaCount = 1) {
  const memory = new PhysMemory();
  const pages = new Pages();
  const log = new TestLog();
  const pool = new SwiotlbPool({ start: BASE, slotCount, areaCount });
  const swiotlb = new Swiotlb({ memory, pool, log, growth: { pages } });
  const map = (length: number, device = pciDevice(), orig = 0x5000000, cpu = 0) =>
    swiotlb.tblMapSingle(device, orig, length, 0, DMA_FROM_DEVICE, 0, cpu);
  return { memory, pages, log, swiotlb, map };
}

describe('S110 to S116 pools that grow', () => {
  it('serve a request that does not fit from a pool of its own, of exactly its slots', () => {
    const { pages, swiotlb, map } = growing();
    map(FULL);
    expect(map(5000)).toBe(2 ** 32);
    expect(pages.asked).toEqual(['Normal 6144']);
    expect([swiotlb.nslabs, swiotlb.used, swiotlb.transientNslabs]).toEqual([128, 128, 3]);
    expect(swiotlbDebugfs(swiotlb)['io_tlb_transient_nslabs']).toBe('3\n');
  });

  it('S114 copy out at the unmap of such a buffer and give its memory back later', () => {
    const { memory, pages, swiotlb, map } = growing();
    map(FULL);
    const at = map(16);
    memory.store8(at, 0x42);
    swiotlb.tblUnmapSingle(pciDevice(), at, 16, DMA_FROM_DEVICE, 0);
    expect([memory.load8(0x5000000), swiotlb.findPool(at), pages.freed]).toEqual([0x42, null, []]);
    swiotlb.runWorker();
    expect(pages.freed).toEqual(['100000000 2048']);
  });

  it('S112 take memory in reach of the device, lower zones last', () => {
    const { pages, map } = growing();
    map(FULL);
    expect(map(16, pciDevice({ dmaMask: 0xffffffff }))).toBe(0x20000000);
    expect(map(16, pciDevice({ dmaMask: 0x208007fe, busDmaLimit: 0 }))).toBe(0x100000);
    expect(map(16, pciDevice({ dmaMask: 2 ** 64, busDmaLimit: 0xffffff }))).toBe(0x900000);
    expect(pages.asked).toEqual(['DMA32 2048', 'DMA32 2048', 'DMA 2048', 'DMA 2048']);
    expect(pages.freed).toEqual(['20800000 2048']);
  });

  it('S113 cannot hold a buffer that needs bit 11 set', () => {
    const { log, swiotlb, map } = growing();
    map(FULL);
    expect(map(2048, nvmeDevice(), 0x5000800)).toBe(-1);
    expect([log.lines.length, swiotlb.transientNslabs]).toEqual([1, 0]);
  });

  it('S111 refuse more than a segment before anything else', () => {
    const { pages, map } = growing();
    expect([map(FULL + 1), pages.asked]).toEqual([-1, []]);
  });

  it('S115 grow by a lasting pool in the background, newest first from then on', () => {
    const { pages, swiotlb, map } = growing(4096, 2);
    for (let k = 0; k < 32; k++) map(FULL);
    map(16);
    swiotlb.runWorker();
    expect(pages.asked).toEqual(['Normal 2048', `DMA32 ${2048 * 2048}`]);
    expect([swiotlb.nslabs, map(16), map(16, pciDevice(), 0x5000000, 1)]).toEqual([6144, 0x20000000, 0x20200000]);
    swiotlb.runWorker(); // nothing is queued any more
    expect(swiotlb.nslabs).toBe(6144);
  });

  it('S115 halve what they ask for, down to 1 MiB, and complain', () => {
    const { pages, log, swiotlb, map } = growing(2048);
    for (let k = 0; k < 16; k++) map(FULL);
    map(16);
    pages.largest = 2 ** 20 - 1;
    swiotlb.runWorker();
    expect(pages.asked.slice(1)).toEqual(['DMA32 4194304', 'DMA32 2097152', 'DMA32 1048576']);
    expect([log.lines, swiotlb.nslabs]).toEqual([['software IO TLB: Failed to allocate new pool'], 2048]);
  });

  it('S110 never grow again once someone relies on the base', () => {
    const { pages, swiotlb, map } = growing();
    map(FULL);
    expect([swiotlb.defaultBase(), map(16), pages.asked]).toEqual([BASE, -1, []]);
  });

  it('fail like any other pool without memory', () => {
    const { pages, log, map } = growing();
    map(FULL);
    pages.largest = 0;
    expect([map(16), log.lines.length]).toEqual([-1, 1]);
  });

  it('S94 leave transient pools out of the usage', () => {
    const { swiotlb, map } = growing();
    map(FULL);
    const at = map(16);
    expect(swiotlb.used).toBe(128);
    swiotlb.tblUnmapSingle(pciDevice(), at, 16, DMA_TO_DEVICE, 0);
    expect(swiotlb.used).toBe(128);
  });
});
