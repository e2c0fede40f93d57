import { describe, expect, it } from 'vitest';
import { Bio } from '../bio/bio.ts';
import { REQ_FUA, REQ_NOMERGE, REQ_OP_DISCARD, REQ_OP_READ, REQ_OP_WRITE, REQ_OP_WRITE_ZEROES } from '../bio/op.ts';
import { Request } from '../queue/request.ts';
import {
  MERGE_BACK,
  MERGE_DISCARD,
  MERGE_FRONT,
  MERGE_NONE,
  mergeCandidate,
  physMergeable,
  tryBackMerge,
  tryDiscardMerge,
  tryFrontMerge,
} from './merge.ts';
import { emptyLimits, maxSegmentAt, type QueueLimits, validateLimits } from './queue-limits.ts';

function limits(wanted: Partial<QueueLimits> = {}): QueueLimits {
  const lim = { ...emptyLimits(), maxHwSectors: 1024, maxSegments: 4, maxHwDiscardSectors: 4096, ...wanted };
  validateLimits(lim);
  return lim;
}

function bio(opf: number, sector: number, phys: number, bytes = 4096): Bio {
  const made = new Bio().init(opf, sector);
  made.addPhys(phys, bytes);
  return made;
}

function requestOf(first: Bio): Request<null> {
  const request = new Request<null>(null);
  request.opf = first.opf;
  request.sector = first.sector;
  request.bytes = first.bytes;
  request.bio = first;
  request.bioTail = first;
  request.nrPhysSegments = 1;
  request.ioprioClass = first.ioprioClass;
  return request;
}

describe('merging', () => {
  it.each([
    ['behind', REQ_OP_READ, 16, MERGE_BACK],
    ['in front', REQ_OP_READ, 0, MERGE_FRONT],
    ['apart', REQ_OP_READ, 32, MERGE_NONE],
    ['another operation', REQ_OP_WRITE, 16, MERGE_NONE],
    ['asked to stay alone', REQ_OP_READ | REQ_NOMERGE, 16, MERGE_NONE],
    ['forced to the media', REQ_OP_READ | REQ_FUA, 16, MERGE_NONE],
    ['write zeroes', REQ_OP_WRITE_ZEROES, 16, MERGE_NONE],
  ])('N16 a bio %s', (_what, opf, sector, expected) => {
    expect(mergeCandidate(requestOf(bio(REQ_OP_READ, 8, 0x1000)), bio(opf, sector, 0x9000), limits())).toBe(expected);
  });

  it('N16 joins discards that do not touch, as ranges', () => {
    const request = requestOf(bio(REQ_OP_DISCARD, 8, 0));
    const lim = limits({ maxDiscardSegments: 2 });
    const other = bio(REQ_OP_DISCARD, 800, 0);
    expect(mergeCandidate(request, other, lim)).toBe(MERGE_DISCARD);
    expect(tryDiscardMerge(request, other, lim)).toBe(true);
    expect(tryDiscardMerge(request, bio(REQ_OP_DISCARD, 1600, 0), lim)).toBe(false);
  });

  it('N17 adds segments without looking at adjacency, and marks a request that is full', () => {
    const request = requestOf(bio(REQ_OP_READ, 8, 0x1000));
    expect(tryBackMerge(request, bio(REQ_OP_READ, 16, 0x2000), 1, limits())).toBe(true);
    expect([request.nrPhysSegments, request.bytes, request.gapBit]).toEqual([2, 8192, 0]);
    expect(tryBackMerge(request, bio(REQ_OP_READ, 24, 0x9000), 3, limits())).toBe(false);
    expect(request.opf & REQ_NOMERGE).toBe(REQ_NOMERGE);
  });

  it('N17 notes the gap of the joint, and moves the start for a front merge', () => {
    const request = requestOf(bio(REQ_OP_READ, 9, 0x1200, 512));
    expect(tryFrontMerge(request, bio(REQ_OP_READ, 8, 0x9000, 512), 1, limits())).toBe(true);
    expect([request.sector, request.gapBit]).toEqual([8, 10]);
  });

  it('N17 keeps to a virtual boundary', () => {
    const lim = limits({ virtBoundaryMask: 4095 });
    expect(tryBackMerge(requestOf(bio(REQ_OP_READ, 8, 0x1000)), bio(REQ_OP_READ, 16, 0x8000), 1, lim)).toBe(true);
    expect(tryBackMerge(requestOf(bio(REQ_OP_READ, 8, 0x1200)), bio(REQ_OP_READ, 16, 0x8000), 1, lim)).toBe(false);
  });

  it('N18 joins neighbours inside one boundary window only, N6 which also ends a segment', () => {
    const lim = limits({ segBoundaryMask: 0xffff, maxSegmentSize: 0x20000 });
    expect(physMergeable(lim, 0x8000, 0x8000)).toBe(true);
    expect(physMergeable(lim, 0x10000, 0x10000)).toBe(false);
    expect(physMergeable(lim, 0x8000, 0x9000)).toBe(false);
    expect(maxSegmentAt(lim, 0xf000, 0x8000)).toBe(0x1000);
  });
});
