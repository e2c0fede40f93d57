import { PhysMemory } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { DMA_ATTR_SKIP_CPU_SYNC, DMA_FROM_DEVICE, DMA_TO_DEVICE, INVALID_PHYS_ADDR } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import { SwiotlbPool } from '../pool/pool.ts';
import { nvmeDevice, pciDevice } from '../testing/device.ts';
import { Swiotlb } from './swiotlb.ts';

const BASE = 0x10000000;

interface Step {
  readonly orig: number;
  readonly len: number;
  readonly aam?: number;
  readonly cpu?: number;
  readonly device?: SwiotlbDevice;
}

/** A pool, its allocator, and map and unmap in a line each. */
function bench(
  slotCount: number,
  device: SwiotlbDevice,
  options: { areas?: number; start?: number; track?: boolean } = {},
) {
  const pool = new SwiotlbPool({ start: options.start ?? BASE, slotCount, areaCount: options.areas ?? 1 });
  const memory = new PhysMemory();
  const swiotlb = new Swiotlb({ memory, pool, trackHiwater: options.track ?? false });
  const map = ({ orig, len, aam = 0, cpu = 0, device: other = device }: Step) =>
    swiotlb.tblMapSingle(other, orig, len, aam, DMA_TO_DEVICE, 0, cpu);
  const unmap = (at: number, by = device) => swiotlb.tblUnmapSingle(by, at, 1, DMA_TO_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
  const list = (count: number) => Array.from({ length: count }, (_, slot) => pool.list(slot));
  return { pool, memory, swiotlb, map, unmap, list };
}

describe.each([{ track: false }, { track: true }])('S147 vector A, S149, %o', ({ track }) => {
  it('aligns pages, reuses after the wrap, merges on free', () => {
    const { pool, swiotlb, map, unmap, list } = bench(256, pciDevice(), { track });
    const used = () => swiotlb.used;
    const a1 = map({ orig: 0x5000000, len: 100 });
    expect([a1, pool.areaIndex[0], used()]).toEqual([0x10000000, 1, 1]);
    const a2 = map({ orig: 0x5001000, len: 4096 });
    expect([a2, pool.areaIndex[0], used()]).toEqual([0x10001000, 4, 3]);
    const a3 = map({ orig: 0x5003005, len: 4095 });
    expect([a3, pool.areaIndex[0], used()]).toEqual([0x10002000, 6, 5]);
    const a4 = map({ orig: 0x6000000, len: 262144 });
    expect([a4, pool.areaIndex[0], used()]).toEqual([0x10040000, 0, 133]);
    expect(list(8)).toEqual([0, 1, 0, 0, 0, 0, 122, 121]);
    expect([map({ orig: 0x6000000, len: 262144 }), used()]).toEqual([-1, 133]);
    unmap(a2);
    expect([list(7), used()]).toEqual([[0, 3, 2, 1, 0, 0, 122], 131]);
    const a6 = map({ orig: 0x5009000, len: 16 });
    expect([a6, pool.areaIndex[0], used()]).toEqual([0x10000800, 2, 132]);
    const a7 = map({ orig: 0x500a000, len: 8192 });
    expect([a7, pool.areaIndex[0], used()]).toEqual([0x10003000, 10, 136]);
    unmap(a1);
    expect([list(6), used()]).toEqual([[1, 0, 2, 1, 0, 0], 135]);
    unmap(a3);
    expect([list(7), used()]).toEqual([[1, 0, 4, 3, 2, 1, 0], 133]);
    for (const rest of [a4, a6, a7]) unmap(rest);
    expect(list(256)).toEqual(Array.from({ length: 256 }, (_, i) => 128 - (i % 128)));
    expect([pool.areaIndex[0], used(), swiotlb.usedHiwater]).toEqual([10, 0, track ? 136 : 0]);
  });
});

it('S147 vector B keeps bit 11 of the buffer by slot parity, and S53 sizes go negative', () => {
  const { pool, memory, swiotlb, map } = bench(256, nvmeDevice());
  expect(map({ orig: 0x7abc, len: 0x300 })).toBe(0x10000abc);
  expect([map({ orig: 0x7abc, len: 0x300 }), pool.areaIndex[0]]).toEqual([0x10001abc, 4]);
  expect([map({ orig: 0x8fff, len: 0x1002 }), pool.areaIndex[0]]).toEqual([0x10002fff, 9]);
  expect([...pool.orig.slice(5, 9)]).toEqual([0x8fff, 0x97ff, 0x9fff, 0xa7ff]);
  expect([...pool.size.slice(5, 9)]).toEqual([4098, 2050, 2, -2046]);
  memory.store8(0x10004000, 0x5a);
  memory.store8(0x10004001, 0x5b);
  swiotlb.syncForCpu(nvmeDevice(), 0x10004000, 2, DMA_FROM_DEVICE);
  expect([memory.load8(0xa000), memory.load8(0xa001)]).toEqual([0x5a, 0]); // room 1: the second byte is cut off
  expect([map({ orig: 0x9000, len: 0x3f000 }), pool.areaIndex[0]]).toEqual([0x10040000, 254]);
});

it('S147 vector C puts padding slots in front of a buffer behind an IOMMU', () => {
  const { pool, swiotlb, map, unmap, list } = bench(256, nvmeDevice());
  expect(map({ orig: 0x7abc, len: 0x300, aam: 4095 })).toBe(0x10000abc);
  expect([pool.pad(1), pool.size[0], pool.size[1], pool.orig[0]]).toEqual([1, 3396, 1348, INVALID_PHYS_ADDR]);
  const c2 = map({ orig: 0x8f00, len: 0x200, aam: 4095 });
  expect([c2, pool.pad(3)]).toEqual([0x10001f00, 1]);
  expect([...pool.orig.slice(3, 6)]).toEqual([0x8f00, 0x9700, 0x9f00]);
  expect([...pool.size.slice(2, 6)]).toEqual([6400, 4352, 2304, 256]);
  expect(map({ orig: 0xa200, len: 0x100, aam: 4095, device: pciDevice() })).toBe(0x10003000);
  expect(map({ orig: 0x20300, len: 0x100, aam: 0xffff })).toBe(0x10010300);
  unmap(c2);
  expect([list(8), swiotlb.used]).toEqual([[0, 0, 4, 3, 2, 1, 0, 0], 36]);
});

it('S147 vector D crosses no segment boundary of the device', () => {
  const { map } = bench(256, pciDevice({ segBoundaryMask: 0xffff }), { start: 0x1000a000 });
  const addresses = Array.from({ length: 5 }, () => map({ orig: 0x5000000, len: 0x8000 }));
  expect(addresses).toEqual([0x10010000, 0x10018000, 0x10020000, 0x10028000, 0x10030000]);
  expect(map({ orig: 0x5000000, len: 0x10000 })).toBe(0x10050000);
  expect(map({ orig: 0x5000000, len: 0x11000 })).toBe(-1);
});

it('S147 vector E starts at the area of the CPU and goes round the others', () => {
  const { pool, map } = bench(512, nvmeDevice(), { areas: 4 });
  expect(map({ orig: 0x5000000, len: 4096, cpu: 2 })).toBe(0x10080000);
  expect(map({ orig: 0x5000000, len: 4096, cpu: 6 })).toBe(0x10081000);
  const large = () => map({ orig: 0x5000000, len: 0x3f000, cpu: 1 });
  expect([large(), large(), large(), large()]).toEqual([0x10040000, 0x100c0000, 0x10000000, -1]);
  expect([map({ orig: 0x5000000, len: 4096, cpu: 1 }), pool.areaIndex[1]]).toEqual([0x1007f000, 0]);
});

it('S147 vector F, S45 misses a free slot when the walk wraps with the wrong parity', () => {
  const { pool, map, unmap } = bench(128, nvmeDevice());
  for (let k = 0; k < 64; k++) expect(map({ orig: 0x5000800, len: 1 })).toBe(BASE + 2048 * (2 * k + 1));
  expect(pool.areaIndex[0]).toBe(0);
  unmap(BASE + 3 * 2048);
  expect([map({ orig: 0x5000800, len: 1 }), pool.areaIndex[0]]).toEqual([BASE + 3 * 2048, 4]);
  unmap(BASE + 3 * 2048);
  expect(map({ orig: 0x5000800, len: 1 })).toBe(-1);
  expect([map({ orig: 0x5000000, len: 1 }), pool.areaIndex[0]]).toEqual([BASE + 4 * 2048, 5]);
  expect(map({ orig: 0x5000800, len: 1 })).toBe(BASE + 3 * 2048);
});

it('S145 takes the slots of the reference trace', () => {
  const { pool, map, unmap } = bench(32768, nvmeDevice(), { start: 0x36800000 });
  const table: [orig: number, len: number, before: number, address: number, after: number][] = [
    [0x25dc000, 4096, 0, 0x36800000, 2],
    [0x25d9000, 4096, 2, 0x36801000, 4],
    [0xa763000, 8, 4, 0x36802000, 5],
    [0x2321600, 512, 5, 0x36803600, 7],
    [0x2598800, 2048, 7, 0x36803800, 8],
    [0x2321600, 512, 8, 0x36804600, 9],
    [0x25dc000, 4096, 9, 0x36805000, 12],
    [0x6a3d000, 258048, 3440, 0x36ec0000, 3582],
    [0x3bebd000, 258048, 3972, 0x37000000, 4222],
  ];
  for (const [orig, len, before, address, after] of table) {
    pool.areaIndex[0] = before;
    expect(map({ orig, len })).toBe(address);
    expect(pool.areaIndex[0]).toBe(after);
    unmap(address);
  }
});

it('S146 fails with 128 slots free when no segment has the run, and wraps after one more free', () => {
  const { pool, swiotlb, map, unmap } = bench(512, nvmeDevice());
  const live = Array.from({ length: 4 }, () => map({ orig: 0x5000000, len: 96 * 2048 }));
  pool.areaIndex[0] = 388;
  expect([map({ orig: 0x5000000, len: 126 * 2048 }), swiotlb.used]).toEqual([-1, 384]);
  unmap(live[0]);
  expect(map({ orig: 0x5000000, len: 126 * 2048 })).toBe(BASE);
});

describe('S148 data of a 16-byte buffer', () => {
  const ORIG = 0x5000000;
  const bytes = (memory: PhysMemory, at: number) => Array.from({ length: 16 }, (_, k) => memory.load8(at + k));
  const initial = Array.from({ length: 16 }, (_, k) => k);

  function mapped(dir: number) {
    const { memory, swiotlb } = bench(256, nvmeDevice());
    memory.write(ORIG, Uint8Array.from(initial));
    const at = swiotlb.tblMapSingle(nvmeDevice(), ORIG, 16, 0, dir, DMA_ATTR_SKIP_CPU_SYNC, 0);
    return { memory, swiotlb, at };
  }

  it.each([
    { attrs: 0, changed: [4, 5, 6, 7], what: 'all that the device wrote' },
    { attrs: DMA_ATTR_SKIP_CPU_SYNC, changed: [6, 7], what: 'what was synced before (S63)' },
  ])('FROM_DEVICE gives the caller $what', ({ attrs, changed }) => {
    const { memory, swiotlb, at } = mapped(DMA_FROM_DEVICE);
    expect(bytes(memory, at)).toEqual(initial); // S62
    for (let k = 4; k < 8; k++) memory.store8(at + k, 0xff);
    expect(bytes(memory, ORIG)).toEqual(initial); // S65
    swiotlb.syncForCpu(nvmeDevice(), at + 6, 2, DMA_FROM_DEVICE);
    expect(bytes(memory, ORIG)).toEqual(initial.map((byte, k) => (k === 6 || k === 7 ? 0xff : byte)));
    swiotlb.tblUnmapSingle(nvmeDevice(), at, 16, DMA_FROM_DEVICE, attrs);
    expect(bytes(memory, ORIG)).toEqual(initial.map((byte, k) => (changed.includes(k) ? 0xff : byte)));
  });

  it('TO_DEVICE shows the device a store after the sync, and takes nothing back', () => {
    const { memory, swiotlb, at } = mapped(DMA_TO_DEVICE);
    memory.store8(ORIG, 0xaa);
    expect(memory.load8(at)).toBe(0);
    swiotlb.syncForDevice(nvmeDevice(), at, 16, DMA_TO_DEVICE);
    expect(memory.load8(at)).toBe(0xaa);
    memory.store8(at + 1, 0xee);
    swiotlb.tblUnmapSingle(nvmeDevice(), at, 16, DMA_TO_DEVICE, 0);
    expect(bytes(memory, ORIG)).toEqual([0xaa, ...initial.slice(1)]);
  });
});
