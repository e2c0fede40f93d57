import { lowestBit } from './free-runs.ts';
import type { SwiotlbPool } from './pool.ts';
import { lowerBounds } from './segment-bounds.ts';

/**
 * The first slot at or behind `slot`, in its segment, from which `need` slots are free, or -1.
 *
 * All 128 slots are looked at together: with a bit for every free slot, `bits & bits >> 1` has one for every free pair,
 * and so on up to `need`. Hopping from run to run took 1000 ns for 16 KiB in a pool that is 80 % full, this takes 180
 * (slot-search.bench.ts).
 *
 * @param candidates the slots that come into question, as a pattern that repeats every 32
 */
export function firstFitInSegment(pool: SwiotlbPool, slot: number, need: number, candidates: number): number {
  const { busy } = pool;
  const segment = slot >> 7;
  const word = segment << 2;
  let a = ~busy[word];
  let b = ~busy[word + 1];
  let c = ~busy[word + 2];
  let d = ~busy[word + 3];
  for (let have = 1; have < need; ) {
    const shift = Math.min(have, need - have, 31);
    const rest = 32 - shift;
    a &= (a >>> shift) | (b << rest);
    b &= (b >>> shift) | (c << rest);
    c &= (c >>> shift) | (d << rest);
    d &= d >>> shift; // no run goes on in the next segment
    have += shift;
  }
  lowerBounds(pool, segment, need, a | b | c | d);
  const wordOfSlot = (slot >> 5) & 3;
  const from = candidates & (-1 << (slot & 31));
  a &= wordOfSlot === 0 ? from : 0;
  if (a !== 0) return (word << 5) + lowestBit(a);
  b &= wordOfSlot === 1 ? from : wordOfSlot < 1 ? candidates : 0;
  if (b !== 0) return (word << 5) + 32 + lowestBit(b);
  c &= wordOfSlot === 2 ? from : wordOfSlot < 2 ? candidates : 0;
  if (c !== 0) return (word << 5) + 64 + lowestBit(c);
  d &= wordOfSlot === 3 ? from : candidates;
  return d !== 0 ? (word << 5) + 96 + lowestBit(d) : -1;
}

/** Every 1st, 2nd, 4th, 8th, 16th and 32nd bit. */
const EVERY = Int32Array.of(-1, 0x55555555, 0x11111111, 0x01010101, 0x00010001, 1);

/** Every `step`-th slot from `phase` on, as a pattern of 32 bits; `step` is a power of two up to 32. */
export function everyStep(phase: number, step: number): number {
  return EVERY[31 - Math.clz32(step)] << (phase & (step - 1));
}
