import { IO_TLB_DEFAULT_SLOTS, IO_TLB_SEGSIZE, IO_TLB_SIZE } from '@dmalab/swiotlb';
import type { BootFacts } from './boot-facts.ts';
import type { Bounce } from './bounce.ts';

const PAGE = 4096;
const MAX_SLOTS = 2 ** 19; // 1 GiB, the largest pool that boot code makes by itself (spec S17)
const MAX_AREAS = 64;
/** A device with this segment boundary may have been pushed so far on from the pool's start (spec S130). */
const LEGACY_BOUNDARY = 0x10000;

/** Slots and areas of a pool. */
export interface PoolShape {
  readonly slotCount: number;
  readonly areaCount: number;
}

/**
 * The shapes that a traced pool can have, likeliest first: what the boot text tells, and for what it doesn't tell powers
 * of two (spec S12, S13). The default size comes first: a trace that never wraps fits any size that holds it (spec S131).
 */
export function possibleShapes(facts: BootFacts, cpus: number): PoolShape[] {
  const sizes = facts.slotCount === undefined ? powersOfTwo(IO_TLB_SEGSIZE, MAX_SLOTS) : [facts.slotCount];
  const areas = facts.areaCount === undefined ? powersOfTwo(1, MAX_AREAS) : [facts.areaCount];
  const likelyAreas = 2 ** Math.ceil(Math.log2(Math.max(1, cpus)));
  const shapes = areas.flatMap((areaCount) => sizes.map((slotCount) => ({ slotCount, areaCount })));
  return shapes
    .filter(({ slotCount, areaCount }) => Math.floor(slotCount / areaCount) >= IO_TLB_SEGSIZE || areaCount === 1)
    .sort(
      (a, b) =>
        Math.abs(Math.log2(a.areaCount / likelyAreas)) - Math.abs(Math.log2(b.areaCount / likelyAreas)) ||
        Number(b.slotCount === IO_TLB_DEFAULT_SLOTS) - Number(a.slotCount === IO_TLB_DEFAULT_SLOTS) ||
        a.slotCount - b.slotCount,
    );
}

function powersOfTwo(from: number, to: number): number[] {
  const powers: number[] = [];
  for (let power = from; power <= to; power *= 2) powers.push(power);
  return powers;
}

/**
 * Where a pool of this shape can start, likeliest first. The first mapping begins the area of its CPU, or the next
 * multiple of its device's segment boundary (spec S130).
 */
export function possibleStarts(facts: BootFacts, bounces: readonly Bounce[], shape: PoolShape): number[] {
  if (facts.start !== undefined) return [facts.start];
  const first = bounces.find(({ place }) => place >= 0);
  if (first === undefined) return [];
  const { slotCount, areaCount } = shape;
  const area = first.cpu & (areaCount - 1);
  const nearest = Math.floor(first.place / PAGE) * PAGE - area * Math.floor(slotCount / areaCount) * IO_TLB_SIZE;
  const starts: number[] = [];
  for (let back = 0; back < LEGACY_BOUNDARY; back += PAGE) {
    const start = nearest - back;
    if (start >= 0 && holdsAll(start, slotCount, bounces)) starts.push(start);
  }
  return starts;
}

function holdsAll(start: number, slotCount: number, bounces: readonly Bounce[]): boolean {
  const end = start + slotCount * IO_TLB_SIZE;
  return bounces.every(({ place }) => place < 0 || (place >= start && place < end));
}
