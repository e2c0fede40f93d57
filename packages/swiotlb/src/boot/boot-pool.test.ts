import { describe, expect, it } from 'vitest';
import { SwiotlbError } from '../errors.ts';
import { type BootMachine, mappedLine, planBootPool, reserveBootPool } from './boot-pool.ts';
import { createLatePool } from './late-pool.ts';
import { areasFor, parseSwiotlbParameter } from './parameter.ts';
import { highestHole } from './placement.ts';

const GIB = 2 ** 30;

function machine(commandLine: string, more: Partial<BootMachine> = {}): BootMachine {
  return { platform: 'x86', commandLine, possibleCpus: 1, ram: [{ start: 0x1000, end: GIB }], ...more };
}

describe('S11 the parameter', () => {
  it.each([
    ['swiotlb=512,force', { slots: 512, force: true }],
    ['swiotlb=100', { slots: 128 }],
    ['swiotlb=010', { slots: 128 }],
    ['swiotlb=0x200', { slots: 512 }],
    ['swiotlb=,4,force', { slots: 32768, areas: 4, force: true }],
    ['swiotlb=512,track_hiwater', { slots: 512, trackHiwater: true }],
    ['swiotlb=force,track_hiwater', { slots: 32768, force: true, trackHiwater: true }],
    ['swiotlb=force,512', { slots: 32768, force: true }],
    ['swiotlb=noforce', { noforce: true }],
    ['quiet', { slots: 32768, areas: 0, force: false }],
  ])('%s', (commandLine, expected) => {
    expect(parseSwiotlbParameter(commandLine)).toMatchObject(expected);
  });
});

describe('S12, S13 areas and the slots that they need', () => {
  it.each([
    ['swiotlb=640,force', 1, 1024, 1, ['area num 1.', 'SWIOTLB bounce buffer size roundup to 2MB']],
    ['swiotlb=0,force', 2, 256, 2, ['area num 2.', 'SWIOTLB bounce buffer size roundup to 0MB']],
    ['swiotlb=256,8,force', 1, 1024, 8, ['area num 8.', 'SWIOTLB bounce buffer size roundup to 2MB']],
    ['swiotlb=0x200,16,force', 1, 2048, 16, ['area num 16.', 'SWIOTLB bounce buffer size roundup to 4MB']],
    ['swiotlb=512,3,force', 1, 512, 4, ['area num 4.']],
    ['swiotlb=force', 3, 32768, 4, ['area num 4.']],
  ])('%s on %i CPUs', (commandLine, possibleCpus, slots, areas, lines) => {
    const plan = planBootPool(machine(commandLine, { possibleCpus }));
    expect(plan).toMatchObject({ wanted: true, slots, areas });
    expect(plan.lines).toEqual(lines.map((line) => `software IO TLB: ${line}`));
  });

  it('S14 has no more areas than segments', () => {
    expect([areasFor(384, 4), areasFor(512, 4), areasFor(1024, 2)]).toEqual([3, 4, 2]);
  });
});

describe('S15 to S17 who gets a pool', () => {
  const above4G = [{ start: 0x100000, end: 5 * GIB }];
  it.each<[string, BootMachine, boolean, number]>([
    ['x86 with 1 GiB', machine(''), false, 32768],
    ['x86 with memory above 4 GiB', machine('', { ram: above4G }), true, 32768],
    ['the same with iommu=off', machine('iommu=off', { ram: above4G }), false, 32768],
    ['iommu=soft', machine('iommu=soft'), true, 32768],
    [
      'an encrypted guest of 4 GiB: 6 %',
      machine('', { memoryEncryption: 'guest', ram: [{ start: 0, end: 4 * GIB }] }),
      true,
      131072,
    ],
    ['noforce against force', machine('swiotlb=force swiotlb=noforce'), false, 32768],
    ['arm64 that bounces small buffers only', machine('', { platform: 'arm64' }), true, 512],
    ['riscv without need', machine('', { platform: 'riscv' }), false, 32768],
    ['riscv with non-coherent devices', machine('', { platform: 'riscv', nonCoherentDevices: true }), true, 512],
  ])('%s', (_what, boot, wanted, slots) => {
    expect(planBootPool(boot)).toMatchObject({ wanted, slots });
  });

  it('says so when noforce takes a pool away that the platform wanted', () => {
    const plan = planBootPool(machine('swiotlb=noforce', { ram: above4G }));
    expect(plan.lines).toEqual(['software IO TLB: No low mem']);
  });
});

describe('S18, S19 the place', () => {
  it('is the highest page-aligned hole below 4 GiB', () => {
    const free = [
      { start: 0x100000, end: 0x33a00000 + 64 * 2 ** 20 + 0xfff },
      { start: 0x3f000000, end: 0x3f800000 },
      { start: 4 * GIB, end: 5 * GIB },
    ];
    expect(highestHole(free, 64 * 2 ** 20, 4 * GIB)).toBe(0x33a00000);
    expect(highestHole(free, 2 * GIB, 4 * GIB)).toBe(-1);
  });

  it('halves a pool until it fits', () => {
    const plan = planBootPool(machine('swiotlb=1000000,force'));
    const { geometry, lines } = reserveBootPool(plan, [{ start: 0x100000, end: 0x3ffd7000 }]);
    expect(geometry).toEqual({ start: 0x1ffd7000, slotCount: 262144, areaCount: 1 });
    expect(lines).toEqual([
      'software IO TLB: swiotlb_memblock_alloc: Failed to allocate 2147483648 bytes tlb structure',
      'software IO TLB: swiotlb_memblock_alloc: Failed to allocate 1073741824 bytes tlb structure',
      'software IO TLB: SWIOTLB bounce buffer size adjusted 1048576 -> 262144 slabs',
    ]);
  });

  it('gives up at 1 MiB', () => {
    const plan = planBootPool(machine('swiotlb=1024,force'));
    const { geometry, lines } = reserveBootPool(plan, [{ start: 0x1000, end: 0x9f000 }]);
    expect([geometry, lines.length]).toEqual([null, 2]);
  });

  it('refuses free ranges that overlap, and names the range', () => {
    const free = [
      { start: 0x1000, end: 0x9000 },
      { start: 0x8000, end: 0xa000 },
    ];
    expect(() => highestHole(free, 4096, GIB)).toThrow(
      new SwiotlbError('ERR_SWIOTLB_BOOT', 'free range 0x1000..0x9000 overlaps 0x8000..0xa000'),
    );
  });

  it('S22 announces the exclusive end', () => {
    expect(mappedLine({ start: 0x33a00000, slotCount: 32768 })).toBe(
      'software IO TLB: mapped [mem 0x0000000033a00000-0x0000000037a00000] (64MB)',
    );
  });
});

describe('S21 a late pool', () => {
  it('is one block, at most 4 MiB', () => {
    expect(createLatePool(32768, 1, () => 0x400000)).toEqual({
      geometry: { start: 0x400000, slotCount: 2048, areaCount: 1 },
      lines: ['only able to allocate 4 MB'],
    });
  });

  it('takes a smaller block, and none of 1 MiB or less', () => {
    const sizes: number[] = [];
    const empty = (pages: number) => {
      sizes.push(pages);
      return -1;
    };
    expect(createLatePool(2048, 1, empty).geometry).toBeNull();
    expect(sizes).toEqual([1024, 512]);
  });
});
