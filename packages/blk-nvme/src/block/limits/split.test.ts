import { describe, expect, it } from 'vitest';
import { Bio } from '../bio/bio.ts';
import { EAGAIN, EINVAL } from '../bio/errno.ts';
import { REQ_ATOMIC, REQ_NOWAIT, REQ_OP_DISCARD, REQ_OP_READ, REQ_OP_WRITE, REQ_OP_WRITE_ZEROES } from '../bio/op.ts';
import { gapMask } from './gap.ts';
import { emptyLimits, type QueueLimits, validateLimits } from './queue-limits.ts';
import { planSplit } from './split.ts';

function limits(wanted: Partial<QueueLimits> = {}): QueueLimits {
  const lim = {
    ...emptyLimits(),
    maxHwSectors: 1024,
    maxSegments: 129,
    maxSegmentSize: 0xffffffff,
    dmaAlignment: 3,
    ...wanted,
  };
  expect(validateLimits(lim)).toBe(0);
  return lim;
}

function bio(opf: number, sector: number, vectors: readonly (readonly [number, number])[]): Bio {
  const made = new Bio().init(opf, sector);
  for (const [phys, bytes] of vectors) made.addPhys(phys, bytes);
  return made;
}

function plan(made: Bio, lim: QueueLimits) {
  const result = { sectors: 0, segments: 0 };
  planSplit(made, lim, result);
  return result;
}

const pages = (count: number, step = 8192) =>
  Array.from({ length: count }, (_, i) => [0x100000 + i * step, 4096] as const);

describe('planSplit', () => {
  it('N9 takes one page as one segment without a closer look', () => {
    expect(plan(bio(REQ_OP_READ, 0, pages(1)), limits())).toEqual({ sectors: 0, segments: 1 });
  });

  it('N179 splits 1 MiB of pages at 1024 sectors into 128 segments first', () => {
    expect(plan(bio(REQ_OP_READ, 0, pages(256)), limits())).toEqual({ sectors: 1024, segments: 128 });
  });

  it('N10 splits where the segments run out', () => {
    expect(plan(bio(REQ_OP_READ, 0, pages(40)), limits({ maxSegments: 33 }))).toEqual({ sectors: 264, segments: 33 });
  });

  it('N11 counts a long vector in pieces of the largest segment, and cuts it where the segments run out', () => {
    const made = () => bio(REQ_OP_READ, 0, [[0x100000, 20480]]);
    const lim = { maxSegmentSize: 8192 };
    expect(plan(made(), limits(lim))).toEqual({ sectors: 0, segments: 3 });
    expect(plan(made(), limits({ ...lim, maxSegments: 2 }))).toEqual({ sectors: 32, segments: 2 });
  });

  it('N10 splits at a gap that a virtual boundary forbids', () => {
    const made = bio(REQ_OP_READ, 0, [
      [0x100000, 1024],
      [0x200000, 3072],
    ]);
    expect(plan(made, limits({ virtBoundaryMask: 4095 }))).toEqual({ sectors: 2, segments: 1 });
  });

  it('N14 notes the lowest unaligned bit of an inner boundary', () => {
    const made = bio(REQ_OP_READ, 0, [
      [0x100200, 1024],
      [0x200400, 3072],
    ]);
    plan(made, limits());
    expect(made.gapBit).toBe(10);
    expect(gapMask(made.gapBit) & 4095).not.toBe(0);
  });

  it('N178 has gap bit 13 where every boundary is a page', () => {
    const made = bio(REQ_OP_WRITE, 1, [
      [0x100200, 3584],
      [0x200000, 512],
    ]);
    plan(made, limits());
    expect([made.gapBit, gapMask(made.gapBit) & 4095]).toEqual([13, 0]);
  });

  it('N10 fails an address that the DMA alignment forbids', () => {
    expect(plan(bio(REQ_OP_READ, 0, [[0x100002, 512]]), limits()).sectors).toBe(EINVAL);
  });

  it('N12 splits neither an atomic write nor one that must not wait', () => {
    expect(plan(bio(REQ_OP_WRITE | REQ_NOWAIT, 0, pages(256)), limits()).sectors).toBe(EAGAIN);
    const lim = limits({
      atomicWrites: true,
      atomicWriteHwMax: 65536,
      atomicWriteHwUnitMin: 512,
      atomicWriteHwUnitMax: 65536,
    });
    expect(plan(bio(REQ_OP_WRITE | REQ_ATOMIC, 0, pages(256)), lim).sectors).toBe(EINVAL);
  });

  it('N8 ends the first part of a misaligned start on a physical block', () => {
    expect(plan(bio(REQ_OP_READ, 1, pages(256)), limits({ physicalBlockSize: 4096 })).sectors).toBe(1023);
  });

  it('N8 stops at a chunk border', () => {
    expect(plan(bio(REQ_OP_READ, 250, pages(4)), limits({ chunkSectors: 256 })).sectors).toBe(6);
  });

  it('N7 splits a discard so that the rest starts on the granularity', () => {
    const made = new Bio().init(REQ_OP_DISCARD, 3);
    made.bytes = 4000 * 512;
    const lim = limits({ maxHwDiscardSectors: 1024, discardGranularity: 4096 });
    expect(plan(made, lim).sectors).toBe(1021);
  });

  it('N7 splits write zeroes at their own limit, with no segment', () => {
    const made = new Bio().init(REQ_OP_WRITE_ZEROES, 0);
    made.bytes = 4000 * 512;
    expect(plan(made, limits({ maxWriteZeroesSectors: 256 }))).toEqual({ sectors: 256, segments: 0 });
  });
});

describe('validateLimits', () => {
  it.each([
    ['N5 a logical block of 1000 bytes', { logicalBlockSize: 1000 }],
    ['N5 fewer than 8 sectors', { maxHwSectors: 7 }],
    ['N5 a boundary inside a page', { segBoundaryMask: 2047 }],
    ['N5 segments below a page', { maxSegmentSize: 2048 }],
    ['N5 a user limit below 8 sectors', { maxUserSectors: 4 }],
    ['N5 an alignment that is no mask', { dmaAlignment: 5 }],
    ['N5 an unmap limit unlike the write-zeroes limit', { maxWriteZeroesSectors: 8, maxHwWzeroesUnmapSectors: 16 }],
  ])('refuses %s', (_what, wanted) => {
    expect(validateLimits({ ...emptyLimits(), ...wanted })).toBe(EINVAL);
  });

  it('N5 fills in the defaults', () => {
    const lim = emptyLimits();
    expect(validateLimits(lim)).toBe(0);
    expect(lim).toMatchObject({
      logicalBlockSize: 512,
      maxHwSectors: 255,
      maxSectors: 255,
      maxSegments: 128,
      maxSegmentSize: 65536,
      maxFastSegmentSize: 4096,
      dmaAlignment: 511,
      fua: false,
    });
  });

  it('N5 caps a request at 4 MiB unless the device names an optimum above', () => {
    const plain = { ...emptyLimits(), maxHwSectors: 65536 };
    const optimal = { ...plain, ioOpt: 8 * 2 ** 20 };
    validateLimits(plain);
    validateLimits(optimal);
    expect([plain.maxSectors, optimal.maxSectors]).toEqual([8192, 16384]);
  });
});
