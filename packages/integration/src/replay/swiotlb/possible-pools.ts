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

/** Starts to try, page by page, for a trace that does not show the first bounce. */
const LATE_STARTS = 64;
/** So many mappings may have begun before the first one that had its CPU's area to itself. */
const FIRST_MAPPINGS = 32;

/**
 * Where a pool of this shape can start, likeliest first. The first mapping begins the area of its CPU, unless another
 * CPU was faster, or follows the next multiple of its device's segment boundary (spec S130).
 */
export function possibleStarts(facts: BootFacts, bounces: readonly Bounce[], shape: PoolShape): number[] {
  if (facts.start !== undefined) return [facts.start];
  const { slotCount, areaCount } = shape;
  const areaBytes = Math.floor(slotCount / areaCount) * IO_TLB_SIZE;
  const starts = new Set<number>();
  for (const { place, cpu } of bounces.filter(({ place }) => place >= 0).slice(0, FIRST_MAPPINGS)) {
    starts.add(Math.floor(place / PAGE) * PAGE - (cpu & (areaCount - 1)) * areaBytes);
  }
  const [nearest] = starts;
  for (let back = PAGE; back < LEGACY_BOUNDARY; back += PAGE) starts.add(nearest - back);
  const possible = [...starts].filter((start) => start >= 0 && holdsAll(start, slotCount, bounces));
  return possible.length > 0 ? possible : lateStarts(bounces, slotCount);
}

/** A trace that begins after the first bounce shows no start: it lies at the lowest address, or not far below. */
function lateStarts(bounces: readonly Bounce[], slotCount: number): number[] {
  let lowest = Number.POSITIVE_INFINITY;
  for (const { place } of bounces) if (place >= 0 && place < lowest) lowest = place;
  const starts: number[] = [];
  for (let back = 0; back < LATE_STARTS; back++) starts.push((Math.floor(lowest / PAGE) - back) * PAGE);
  return starts.filter((start) => start >= 0 && holdsAll(start, slotCount, bounces));
}

function holdsAll(start: number, slotCount: number, bounces: readonly Bounce[]): boolean {
  const end = start + slotCount * IO_TLB_SIZE;
  return bounces.every(({ place }) => place < 0 || (place >= start && place < end));
}
