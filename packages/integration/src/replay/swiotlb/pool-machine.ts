import {
  claimSlots,
  IO_TLB_SEGSIZE,
  IO_TLB_SIZE,
  type PoolGeometry,
  releaseSlots,
  SlotSearch,
  SwiotlbPool,
} from '@dmalab/swiotlb';
import type { Bounce } from './bounce.ts';

/** The masks of a device that a trace does not show (spec S30, S33). */
export interface DeviceMasks {
  readonly minAlignMask: number;
  readonly segBoundaryMask: number;
}

/** Allocation alignment mask behind an IOMMU: its granule less one (spec S30). */
const GRANULE_MASK = 4095;

/** What a bounce holds of the pool, and what the pool was before it, so that it can be taken back. */
interface Holding {
  /** -1 while it holds nothing. */
  slot: number;
  need: number;
  total: number;
  low: number;
  indexBefore: number;
}

/** Our pool under a trace's requests, one area scan, claim or free at a time, each of which can be undone. */
export class PoolMachine {
  readonly pool: SwiotlbPool;
  readonly #search = new SlotSearch();
  readonly #masks: ReadonlyMap<string, DeviceMasks>;
  readonly #behindIommu: ReadonlySet<string>;
  readonly #held: (Holding | undefined)[] = [];
  /** Of the last request: bytes of padding in front of the buffer. */
  #offset = 0;

  constructor(geometry: PoolGeometry, masks: ReadonlyMap<string, DeviceMasks>, behindIommu: ReadonlySet<string>) {
    this.pool = new SwiotlbPool(geometry);
    this.#masks = masks;
    this.#behindIommu = behindIommu;
  }

  /** The area that the scan with this number looks at: the CPU's first, then the others in turn (spec S40). */
  area({ cpu }: Bounce, scan: number): number {
    const { areaCount } = this.pool;
    return ((cpu & (areaCount - 1)) + scan) % areaCount;
  }

  /** First slot that the area would give to the mapping, or -1. */
  find(bounce: Bounce, area: number): number {
    this.#request(bounce);
    return this.#search.inArea(this.pool, area);
  }

  /** Address that the buffer would have with this first slot. Call after `find` of the same mapping. */
  addressAt(slot: number): number {
    return this.pool.start + slot * IO_TLB_SIZE + this.#offset;
  }

  claim(bounce: Bounce, slot: number): void {
    this.#request(bounce);
    const { need, total, low } = this.#search;
    const held = this.#holding(bounce);
    held.need = need;
    held.total = total;
    held.low = low;
    this.#take(held, slot);
  }

  unclaim(bounce: Bounce): void {
    const held = this.#holding(bounce);
    this.pool.areaIndex[this.#areaOf(held.slot)] = held.indexBefore;
    releaseSlots(this.pool, held.slot, held.need);
    held.slot = -1;
  }

  /** Returns the slot that was freed, -1 if the mapping held none. */
  free(bounce: Bounce): number {
    const held = this.#holding(bounce);
    const { slot } = held;
    if (slot >= 0) releaseSlots(this.pool, slot, held.need);
    held.slot = -1;
    return slot;
  }

  /** Takes back a free. */
  unfree(bounce: Bounce, slot: number): void {
    if (slot < 0) return;
    const { areaIndex } = this.pool;
    const index = areaIndex[this.#areaOf(slot)];
    const held = this.#holding(bounce);
    const { indexBefore } = held;
    this.#take(held, slot);
    held.indexBefore = indexBefore;
    areaIndex[this.#areaOf(slot)] = index;
  }

  /** The area that its slots lie in. */
  areaHeld(bounce: Bounce): number {
    return this.#areaOf(this.#holding(bounce).slot);
  }

  /** 0 while it holds none. */
  slotsHeld(bounce: Bounce): number {
    const { slot, need } = this.#holding(bounce);
    return slot < 0 ? 0 : need;
  }

  slotsWanted(bounce: Bounce): number {
    this.#request(bounce);
    return this.#search.need;
  }

  /** Slots of the longest run that is free; no run crosses a segment (spec S1). */
  longestFreeRun(): number {
    let longest = 0;
    for (let slot = 0; slot < this.pool.slotCount; slot++) longest = Math.max(longest, this.pool.list(slot));
    return longest;
  }

  /**
   * Makes the pool hold what the kernel's did, for a result that we can't explain. Buffers in the way are dropped: the
   * kernel had their slots back, whatever the trace shows.
   */
  force(bounce: Bounce): void {
    if (bounce.place < 0 || !this.pool.contains(bounce.place)) return;
    this.#request(bounce);
    const slot = this.pool.slotOf(bounce.outcome === 'address' ? bounce.place - this.#offset : bounce.place);
    const { need } = this.#search;
    if (slot < 0 || slot + need > this.pool.slotCount || (slot % IO_TLB_SEGSIZE) + need > IO_TLB_SEGSIZE) return;
    for (const held of this.#held) {
      if (held === undefined || held.slot < 0 || held.slot >= slot + need || held.slot + held.need <= slot) continue;
      releaseSlots(this.pool, held.slot, held.need);
      held.slot = -1;
    }
    this.claim(bounce, slot);
  }

  #take(held: Holding, slot: number): void {
    held.slot = slot;
    held.indexBefore = this.pool.areaIndex[this.#areaOf(slot)];
    claimSlots(this.pool, slot, held.need, held.total, held.low);
  }

  /** Spec S34, S35. */
  #request({ device, orig, size }: Bounce): void {
    const { minAlignMask, segBoundaryMask } = this.#masks.get(device)!;
    const allocAlignMask = this.#behindIommu.has(device) ? GRANULE_MASK : 0;
    this.#offset = orig & minAlignMask & (allocAlignMask | (IO_TLB_SIZE - 1));
    const total = Math.ceil((size + this.#offset) / (allocAlignMask + 1)) * (allocAlignMask + 1);
    this.#search.request(total, orig, minAlignMask, allocAlignMask);
    this.#search.enter(this.pool, this.pool.start, segBoundaryMask);
  }

  #holding({ id }: Bounce): Holding {
    let held = this.#held[id];
    if (held === undefined) {
      held = { slot: -1, need: 0, total: 0, low: 0, indexBefore: 0 };
      this.#held[id] = held;
    }
    return held;
  }

  #areaOf(slot: number): number {
    return Math.floor(slot / this.pool.areaSlots);
  }
}
