import { PhysMemory } from '@dmalab/phys-memory';
import { describe, expect, it } from 'vitest';
import { DMA_ATTR_NO_WARN, DMA_BIDIRECTIONAL, DMA_FROM_DEVICE, DMA_NONE, DMA_TO_DEVICE } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import { SwiotlbPool } from '../pool/pool.ts';
import { nvmeDevice, pciDevice } from '../testing/device.ts';
import { TestLog } from '../testing/log.ts';
import { swiotlbDebugfs } from './debugfs.ts';
import { Swiotlb, type SwiotlbOptions } from './swiotlb.ts';

const BASE = 0x10000000;
const ORIG = 0x5000000;

function build(options: Partial<SwiotlbOptions> & { slotCount?: number; shared?: boolean } = {}) {
  const { slotCount = 256, shared = false, ...rest } = options;
  const memory = new PhysMemory();
  const log = new TestLog();
  const pool = new SwiotlbPool({ start: BASE, slotCount, shared });
  const swiotlb = new Swiotlb({ memory, pool, log, ...rest });
  const map = (device: SwiotlbDevice, length = 4096, attrs = 0, aam = 0) =>
    swiotlb.tblMapSingle(device, ORIG, length, aam, DMA_TO_DEVICE, attrs, 0);
  return { memory, log, pool, swiotlb, map };
}

describe('messages', () => {
  it('S90 a full pool reports the rounded request, the size and the use; S35 a failed map changes nothing', () => {
    const { log, swiotlb, map } = build();
    map(nvmeDevice(), 0x3f000);
    map(nvmeDevice(), 0x3f000);
    expect(map(nvmeDevice(), 120320, 0, 4095)).toBe(-1);
    expect(log.lines).toEqual([
      'nvme 0000:00:03.0: swiotlb buffer is full (sz: 122880 bytes), total 256 (slots), used 252 (slots)',
    ]);
    expect(swiotlb.used).toBe(252);
  });

  it('NO_WARN keeps it back', () => {
    const { log, map } = build();
    expect([map(nvmeDevice(), 0x40001, DMA_ATTR_NO_WARN), log.lines]).toEqual([-1, []]);
  });

  it('S91 prints 10 in 5 seconds', () => {
    const { log, map } = build();
    for (let k = 0; k < 17; k++) map(pciDevice(), 0x40001);
    expect(log.lines.length).toBe(10);
    log.nanos = 5e9 + 1;
    map(pciDevice(), 0x40001);
    expect(log.lines.length).toBe(11);
  });

  it('S31 without a pool every map fails, and says why', () => {
    const { log, map, swiotlb } = build({ pool: null });
    expect([map(pciDevice()), swiotlb.active]).toEqual([-1, false]);
    expect(log.lines[0]).toMatch(/^0000:00:03.0: Can not allocate SWIOTLB buffer earlier and can't now provide you/);
  });

  it('S32 warns once a device of an alignment above a page, and maps', () => {
    const { log, map } = build();
    const device = pciDevice();
    expect([map(device, 512, 0, 0xffff), map(device, 512, 0, 0xffff)]).toEqual([BASE, BASE + 0x10000]);
    expect(log.lines.length).toBe(1);
  });
});

describe('S66 partial syncs', () => {
  function mapped() {
    const parts = build();
    const device = nvmeDevice();
    const at = parts.swiotlb.tblMapSingle(device, ORIG + 0x100, 600, 0, DMA_BIDIRECTIONAL, 0, 0);
    return { ...parts, device, at };
  }

  it('S67 cuts a sync off at the end of the allocation and says so once', () => {
    const { memory, log, swiotlb, device, at } = mapped();
    memory.fill(at, 1000, 0xee);
    memory.store8(at + 600, 0x77); // behind the buffer, in the next slot's reach
    swiotlb.syncForCpu(device, at, 1000, DMA_FROM_DEVICE);
    swiotlb.syncForCpu(device, at, 1000, DMA_FROM_DEVICE);
    expect([memory.load8(ORIG + 0x100 + 599), memory.load8(ORIG + 0x100 + 600)]).toEqual([0xee, 0]);
    expect(log.lines).toEqual([
      'nvme 0000:00:03.0: Buffer overflow detected. Allocation size: 600. Mapping size: 1000.',
    ]);
  });

  it('does nothing in a free slot, in a padding slot, or outside the pool (S65)', () => {
    const { memory, swiotlb, device } = mapped();
    const padded = swiotlb.tblMapSingle(device, ORIG + 0xf00, 16, 4095, DMA_BIDIRECTIONAL, 0, 0);
    const before = Uint8Array.from({ length: 8192 }, (_, k) => memory.load8(ORIG + k));
    memory.fill(BASE, 0x80000, 0xee);
    swiotlb.syncForCpu(device, padded - 0xf00, 16, DMA_FROM_DEVICE);
    swiotlb.syncForCpu(device, BASE + 0x40000, 16, DMA_FROM_DEVICE);
    swiotlb.syncForCpu(device, BASE + 0x80000, 16, DMA_FROM_DEVICE);
    expect(Uint8Array.from({ length: 8192 }, (_, k) => memory.load8(ORIG + k))).toEqual(before);
  });

  it('S67 does not notice a start before the buffer in its first slot: bytes in front of it are copied', () => {
    const { memory, swiotlb, device, at } = mapped();
    memory.store8(at - 1, 0x99);
    swiotlb.syncForCpu(device, at - 1, 1, DMA_FROM_DEVICE);
    expect(memory.load8(ORIG + 0xff)).toBe(0x99);
  });
});

describe('S100 to S103 memory encryption', () => {
  it.each([
    ['guest', true, true, true],
    ['guest', false, true, false],
    ['guest', true, false, false],
    ['guest', false, false, true],
    ['host', true, false, true],
    ['host', false, false, false],
  ] as const)(
    '%s, pool shared %s, device needs shared %s: maps %s',
    (memoryEncryption, shared, needsUnencrypted, maps) => {
      const { log, map } = build({ memoryEncryption, shared });
      expect(map(pciDevice({ needsUnencrypted })) >= 0).toBe(maps);
      expect(log.lines).toEqual(['0000:00:03.0: Memory encryption is active and system is using DMA bounce buffers']);
    },
  );

  it('S101 a pool that cannot be decrypted is full for ever', () => {
    const { log, swiotlb, map } = build();
    swiotlb.decryptPool(() => false);
    expect([map(pciDevice(), 1), swiotlb.used]).toEqual([-1, 256]);
    expect(log.lines[0]).toBe('software IO TLB: Failed to decrypt default memory pool, disabling it');
  });

  it('S101 hands the whole pool to the conversion', () => {
    const { swiotlb, pool } = build();
    const ranges: number[][] = [];
    swiotlb.decryptPool((start, bytes) => ranges.push([start, bytes]) > 0);
    expect([ranges, pool.shared]).toEqual([[[BASE, 0x80000]], true]);
  });

  it('S103 aligns by the address that the device uses', () => {
    const { map } = build({ deviceAddress: (_device, phys) => phys + 0x800 });
    // Seen from the device every slot of this pool has bit 11 flipped.
    expect(map(nvmeDevice())).toBe(BASE + 0x800);
  });
});

it('S70 copies the shadow in, and marks what the device wrote as initialised before it goes out', () => {
  const calls: string[] = [];
  const shadow = {
    copyShadow: (to: number, from: number, length: number) =>
      calls.push(`copy ${to.toString(16)} ${from.toString(16)} ${length}`),
    markInitialised: (at: number, length: number) => calls.push(`init ${at.toString(16)} ${length}`),
  };
  const { swiotlb } = build({ shadow });
  const at = swiotlb.tblMapSingle(pciDevice(), ORIG, 16, 0, DMA_FROM_DEVICE, 0, 0);
  swiotlb.tblUnmapSingle(pciDevice(), at, 16, DMA_FROM_DEVICE, 0);
  expect(calls).toEqual(['copy 10000000 5000000 16', 'init 10000000 16', 'copy 5000000 10000000 16']);
});

it.each([
  [0, 262144],
  [511, 260096],
  [4095, 258048],
])('S75 an alignment mask of %i leaves mappings of %i bytes', (minAlignMask, bytes) => {
  const { swiotlb, map } = build();
  const device = pciDevice({ minAlignMask });
  expect(swiotlb.maxMappingSize(device)).toBe(bytes);
  expect(map(device, bytes)).toBe(BASE);
});

it("S39 the first bounce ends the device's skipping of syncs", () => {
  const device = pciDevice({ dmaSkipSync: true });
  build().map(device);
  expect(device.dmaSkipSync).toBe(false);
});

it('S94, S95 debugfs shows size, use and high-water mark, and takes 0 alone', () => {
  const { swiotlb, map } = build({ trackHiwater: true });
  const at = map(pciDevice(), 8192);
  swiotlb.tblUnmapSingle(pciDevice(), at, 8192, DMA_TO_DEVICE, 0);
  const files = { io_tlb_nslabs: '256\n', io_tlb_used: '0\n', io_tlb_used_hiwater: '4\n' };
  expect(swiotlbDebugfs(swiotlb)).toEqual(files);
  expect([swiotlb.writeUsedHiwater(1), swiotlb.usedHiwater]).toEqual([-22, 4]);
  expect([swiotlb.writeUsedHiwater(0), swiotlb.usedHiwater]).toEqual([0, 0]);
  expect(swiotlbDebugfs(build({ pool: null }).swiotlb)).toEqual({});
});

describe('misuse is named', () => {
  it.each<[string, (parts: ReturnType<typeof build>) => unknown, string, RegExp]>([
    ['a zero length', ({ map }) => map(pciDevice(), 0), 'ERR_SWIOTLB_REQUEST', /bounce of 0 bytes at 0x5000000/],
    [
      'S5 no direction',
      ({ swiotlb }) => swiotlb.tblMapSingle(pciDevice(), ORIG, 1, 0, DMA_NONE, 0, 0),
      'ERR_SWIOTLB_REQUEST',
      /direction 3/,
    ],
    [
      'S5 a sync without direction',
      ({ swiotlb }) => swiotlb.syncForCpu(pciDevice(), BASE, 1, DMA_NONE),
      'ERR_SWIOTLB_REQUEST',
      /direction 3/,
    ],
    [
      'a mask past 31 bits',
      ({ map }) => map(pciDevice({ minAlignMask: 2 ** 32 })),
      'ERR_SWIOTLB_REQUEST',
      /minAlignMask 4294967296/,
    ],
    [
      'a boundary that is none',
      ({ map }) => map(pciDevice({ segBoundaryMask: 0x12345 })),
      'ERR_SWIOTLB_REQUEST',
      /segment boundary mask 74565/,
    ],
    [
      'a free of what is free',
      ({ swiotlb }) => swiotlb.tblUnmapSingle(pciDevice(), BASE, 4096, 1, 0),
      'ERR_SWIOTLB_NOT_MAPPED',
      /0x10000000\.\.0x10001000/,
    ],
    [
      'a free outside the pool',
      ({ swiotlb }) => swiotlb.tblUnmapSingle(pciDevice(), 0x1000, 16, 1, 0),
      'ERR_SWIOTLB_NOT_MAPPED',
      /0x1000\.\.0x1010/,
    ],
    [
      'a free of the middle',
      ({ swiotlb, map }) => swiotlb.tblUnmapSingle(pciDevice(), map(pciDevice()) + 2048, 16, 1, 0),
      'ERR_SWIOTLB_NOT_MAPPED',
      /0x10000800/,
    ],
    [
      'an unaligned pool',
      () => new SwiotlbPool({ start: 0x800, slotCount: 128 }),
      'ERR_SWIOTLB_POOL',
      /at 0x800: the start/,
    ],
    [
      'a pool past 52 bits',
      () => new SwiotlbPool({ start: 2 ** 52 - 4096, slotCount: 128 }),
      'ERR_SWIOTLB_POOL',
      /ends above 2\^52/,
    ],
    [
      'areas that cut segments',
      () => new SwiotlbPool({ start: 0, slotCount: 512, areaCount: 8 }),
      'ERR_SWIOTLB_POOL',
      /whole segments/,
    ],
  ])('%s', (_what, act, code, message) => {
    expect(() => act(build())).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
