import { IO_TLB_SEGSIZE } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import type { SwiotlbPool } from '../pool/pool.ts';
import { claimSlots } from '../pool/slot-claim.ts';
import { SlotSearch } from '../pool/slot-search.ts';
import type { PoolGrowth } from './growth.ts';

type DeviceAddress = (device: SwiotlbDevice, phys: number, shared: boolean) => number;

/** The pools of an allocator, and the order in which a request goes through their areas (spec S40, S111). */
export class PoolSet {
  /** Newest first; exactly one where pools don't grow, none where boot made none. */
  readonly lasting: SwiotlbPool[];
  /** Where the last successful `take` found its slots. */
  taken: SwiotlbPool | null = null;
  readonly #growth: PoolGrowth | null;
  readonly #deviceAddress: DeviceAddress | null;
  readonly #defaultAreas: number = 0;
  readonly #search = new SlotSearch();

  constructor(pool: SwiotlbPool | null, growth: PoolGrowth | null, deviceAddress: DeviceAddress | null) {
    this.lasting = pool === null ? [] : [pool];
    this.#defaultAreas = pool === null ? 0 : pool.areaCount;
    this.#growth = growth;
    this.#deviceAddress = deviceAddress;
  }

  /** Slots that the last request needed. */
  get need(): number {
    return this.#search.need;
  }

  find(phys: number): SwiotlbPool | null {
    const { lasting } = this;
    for (let k = 0; k < lasting.length; k++) if (lasting[k].contains(phys)) return lasting[k];
    return this.#growth === null ? null : this.#findTransient(this.#growth, phys);
  }

  #findTransient({ transient }: PoolGrowth, phys: number): SwiotlbPool | null {
    for (const pool of transient) if (pool.contains(phys)) return pool;
    return null;
  }

  deviceAddress(device: SwiotlbDevice, phys: number, shared: boolean): number {
    return this.#deviceAddress === null ? phys : this.#deviceAddress(device, phys, shared);
  }

  /** Claims slots for `total` bytes: the first slot, with its pool in `taken`, or -1. */
  take(device: SwiotlbDevice, orig: number, total: number, allocAlignMask: number, cpu: number): number {
    const search = this.#search;
    search.request(total, orig, device.minAlignMask, allocAlignMask);
    if (search.need > IO_TLB_SEGSIZE) return -1; // spec S46, S111: no run is longer
    const slot = this.#growth === null ? this.#takeFromOne(device, cpu) : this.#takeFromAny(device, cpu);
    return slot >= 0 || this.#growth === null ? slot : this.#takeTransient(device, this.#growth);
  }

  /** Spec S40: the CPU's area, then the others in turn. */
  #takeFromOne(device: SwiotlbDevice, cpu: number): number {
    const pool = this.lasting[0];
    this.#enter(device, pool);
    let area = cpu & (pool.areaCount - 1);
    for (let tried = 0; tried < pool.areaCount; tried++) {
      const slot = this.#takeFromArea(pool, area);
      if (slot >= 0) return slot;
      if (++area === pool.areaCount) area = 0;
    }
    return -1;
  }

  /** Spec S111: every pool's area of the CPU, newest pool first, before any pool's next one. */
  #takeFromAny(device: SwiotlbDevice, cpu: number): number {
    for (let k = 0; k < this.#defaultAreas; k++) {
      for (const pool of this.lasting) {
        if (k >= pool.areaCount) continue;
        this.#enter(device, pool);
        const slot = this.#takeFromArea(pool, (cpu + k) & (pool.areaCount - 1));
        if (slot >= 0) return slot;
      }
    }
    return -1;
  }

  /** Spec S112: a pool for this request only, while the worker makes a lasting one. */
  #takeTransient(device: SwiotlbDevice, growth: PoolGrowth): number {
    if (!growth.canGrow) return -1;
    growth.queueGrowth();
    const pool = growth.makeTransient(device, this.need, this.lasting[0].shared);
    if (pool === null) return -1;
    this.#enter(device, pool);
    const slot = this.#takeFromArea(pool, 0);
    if (slot >= 0) growth.keep(pool);
    else growth.discard(pool);
    return slot;
  }

  #enter(device: SwiotlbDevice, pool: SwiotlbPool): void {
    const start = this.#deviceAddress === null ? pool.start : this.#deviceAddress(device, pool.start, pool.shared);
    this.#search.enter(pool, start, device.segBoundaryMask);
  }

  #takeFromArea(pool: SwiotlbPool, area: number): number {
    const search = this.#search;
    const slot = search.inArea(pool, area);
    if (slot < 0) return -1;
    claimSlots(pool, slot, search.need, search.total, search.low);
    this.taken = pool;
    return slot;
  }
}
