import { IO_TLB_SIZE } from '../constants.ts';
import { SwiotlbError } from '../errors.ts';
import { freeRun } from './free-runs.ts';
import { literalWalk } from './literal-walk.ts';
import type { SwiotlbPool } from './pool.ts';
import { everyStep, firstFitInSegment } from './segment-search.ts';

const NEVER = -1;

/**
 * One search for free slots: the derived values of spec S41, worked out once for a request and once for a pool, and
 * the walk of S43 through one area.
 *
 * The walk gives what the literal one gives, missed fits included (spec S45), but passes in one go what the literal
 * walk passes slot by slot: a run that is too short, an occupied stretch, a segment without a long enough run.
 * literal-walk.ts is the specification's text; slot-search.prop.test.ts holds the two against each other.
 */
export class SlotSearch {
  /** Slots that the request takes. */
  need = 0;
  /** Bytes of the request, padding included. */
  total = 0;
  /** Bits of the original address that the slot's start must not hide: `low`. */
  low = 0;
  orig = 0;
  /** Bits of a slot's address that must be 0. */
  aam = 0;
  /** Bits of a slot's address that must be those of `orig`. */
  hi = 0;
  /** Slots from one candidate to the next. */
  step = 1;

  /** Device address of the pool's start, reduced by the segment boundary mask: `T`. */
  poolOffset = 0;
  /** Slots between two boundaries. */
  run = 0;
  /** Slots from the last boundary to the pool's start. */
  intoRun = 0;

  #pool: SwiotlbPool | null = null;
  #deviceStart = NEVER;
  #boundaryMask = NEVER;
  #crossingPossible = false;
  #steady = false;

  /** Takes a request: `total` bytes, of which the caller's begin at `orig` (0: a coherent block, spec S122). */
  request(total: number, orig: number, minAlignMask: number, allocAlignMask: number): void {
    let aam = allocAlignMask;
    if (aam === 0 && minAlignMask === 0 && total >= 4096) aam = 4095; // spec S41, S137: by total, and only without both masks
    aam |= IO_TLB_SIZE - 1;
    this.total = total;
    this.need = Math.ceil(total / IO_TLB_SIZE);
    this.orig = orig;
    this.low = orig & minAlignMask & (IO_TLB_SIZE - 1);
    this.aam = aam;
    this.hi = minAlignMask & ~aam;
    this.step = (Math.max(aam, this.hi) >>> 11) + 1;
  }

  /** Turns to a pool, whose first byte the device sees at `deviceStart`. */
  enter(pool: SwiotlbPool, deviceStart: number, segBoundaryMask: number): void {
    if (pool !== this.#pool || deviceStart !== this.#deviceStart || segBoundaryMask !== this.#boundaryMask) {
      this.#measureBoundaries(pool, deviceStart, segBoundaryMask);
    }
    // The faster walk needs candidates that lie one step apart. They don't where the masks leave a hole, where the
    // granule hides the low bits of `hi` (mam ffff, aam fff: a step of 31), and where `orig` gives no phase.
    const span = this.step * IO_TLB_SIZE;
    this.#steady =
      (this.aam | this.hi) + 1 === span &&
      (this.step & (this.step - 1)) === 0 &&
      (this.orig !== 0 || this.hi === 0) &&
      this.poolOffset % IO_TLB_SIZE === 0;
  }

  #measureBoundaries(pool: SwiotlbPool, deviceStart: number, segBoundaryMask: number): void {
    const boundary = segBoundaryMask + 1;
    if (!(Math.log2(boundary) % 1 === 0)) {
      throw new SwiotlbError(
        'ERR_SWIOTLB_REQUEST',
        `segment boundary mask ${segBoundaryMask} is not one less than a power of two`,
      );
    }
    this.#pool = pool;
    this.#deviceStart = deviceStart;
    this.#boundaryMask = segBoundaryMask;
    this.poolOffset = deviceStart % boundary;
    this.run = Math.floor(segBoundaryMask / IO_TLB_SIZE) + 1;
    this.intoRun = Math.ceil(this.poolOffset / IO_TLB_SIZE) % this.run;
    // What would cross behind the pool's last slot doesn't fit anyway.
    this.#crossingPossible = this.intoRun + pool.slotCount > this.run;
  }

  /** Whether a request from this slot would cross a segment boundary (spec S43c). */
  crosses(slot: number): boolean {
    return ((this.intoRun + slot) % this.run) + this.need > this.run;
  }

  /** The first slot of a fit in the area, or -1. Claims nothing. */
  inArea(pool: SwiotlbPool, area: number): number {
    const { need } = this;
    if (need > pool.areaSlots - pool.areaUsed[area]) return -1; // spec S42
    if (!this.#steady) return literalWalk(this, pool, area);
    return this.#walk(pool, area, need, this.step);
  }

  /** The walk of S43 with a move for each segment, not for each slot. */
  #walk(pool: SwiotlbPool, area: number, need: number, step: number): number {
    const { runBound, areaSlots } = pool;
    const base = area * areaSlots;
    const phase = ((this.orig & this.hi) - (this.poolOffset & (step * IO_TLB_SIZE - 1))) >> 11;
    const otherParity = step === 1 ? 1 : 0; // a step of one visits odd and even slots, any other only one kind
    let i = pool.areaIndex[area];
    let spent = 0;
    while (spent < areaSlots) {
      const slot = base + i;
      const bound = ((slot >> 7) << 1) | (slot & 1);
      let move = (phase - slot) & (step - 1);
      if (move !== 0) {
        move = Math.min(move, areaSlots - i); // spec S43b: to the next candidate, or to the area's end
      } else if (runBound[bound] < need && runBound[bound ^ otherParity] < need) {
        move = this.#stepsTo(128 - (slot & 127), areaSlots - i);
      } else {
        const fit = this.#firstFit(pool, slot, phase);
        // Slots that the walk reaches only after it has spent an area's worth of steps are out of its reach.
        if (fit >= 0 && spent + fit - slot >= areaSlots) return -1;
        if (fit >= 0 && !(this.#crossingPossible && this.crosses(fit))) return fit;
        if (fit >= 0) move = fit - slot + step;
        else move = step > 32 ? step : this.#stepsTo(128 - (slot & 127), areaSlots - i);
      }
      i += move;
      spent += move;
      if (i >= areaSlots) i = 0; // spec S43e: to 0, not modulo
    }
    return -1;
  }

  /** The first candidate at or behind this one with enough free slots, in its segment; or -1. Of steps above 32, this one. */
  #firstFit(pool: SwiotlbPool, slot: number, phase: number): number {
    const { need, step } = this;
    if (step <= 32) return firstFitInSegment(pool, slot, need, everyStep(phase, step));
    return freeRun(pool.busy, slot) >= need ? slot : -1; // a pattern of 32 bits doesn't hold larger steps
  }

  /** Whole steps that pass `slots` slots, or reach the area's end before that. */
  #stepsTo(slots: number, toEnd: number): number {
    return (Math.min(slots, toEnd) + this.step - 1) & -this.step;
  }
}
