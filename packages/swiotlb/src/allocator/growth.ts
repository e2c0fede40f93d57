import { areasFor } from '../boot/parameter.ts';
import { IO_TLB_MIN_SLABS, IO_TLB_SEGSIZE, IO_TLB_SIZE } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import { SwiotlbPool } from '../pool/pool.ts';
import type { SwiotlbMessages } from './messages.ts';

/** The zone that pages come from, lowest addresses first. */
export type PageZone = 'DMA' | 'DMA32' | 'Normal';

/** What growing pools need of the page allocator. */
export interface GrowthPages {
  /** First byte of a free block of at least that many bytes, naturally aligned to its order, or -1. Never waits. */
  allocatePages(bytes: number, zone: PageZone): number;
  freePages(start: number, bytes: number): void;
}

export interface GrowthOptions {
  readonly pages: GrowthPages;
  /** Highest address of a new lasting pool (spec S110). Default 0xffffffff. */
  readonly physLimit?: number;
  /** Highest address of the DMA zone. Default 16 MiB - 1, as on x86. */
  readonly dmaZoneLimit?: number;
  /** Largest block of the page allocator in slots (spec S115). Default 2048, 4 MiB. */
  readonly largestBlockSlots?: number;
}

const DMA32_LIMIT = 0xffffffff;

/** Pools that come after boot, where the kernel is built to grow (spec S110 to S116). */
export class PoolGrowth {
  /** Becomes false for good when a platform asks for the default pool's base (spec S110). */
  canGrow = true;
  /** Newest last; each serves one mapping of one device (spec S112). */
  readonly transient: SwiotlbPool[] = [];
  readonly #options: Required<GrowthOptions>;
  readonly #messages: SwiotlbMessages;
  readonly #abandoned: SwiotlbPool[] = [];
  #growing = false;

  constructor(options: GrowthOptions, messages: SwiotlbMessages) {
    this.#options = { physLimit: DMA32_LIMIT, dmaZoneLimit: 0xffffff, largestBlockSlots: 2048, ...options };
    this.#messages = messages;
  }

  /** Slots in live transient pools: `io_tlb_transient_nslabs` (spec S116). */
  get transientSlots(): number {
    return this.transient.reduce((slots, pool) => slots + pool.slotCount, 0);
  }

  /** Has the worker grow the allocator; no effect if it will anyway (spec S112). */
  queueGrowth(): void {
    this.#growing = true;
  }

  /** A pool of exactly these slots for one request, within the reach of its device; null if there is no memory. */
  makeTransient(device: SwiotlbDevice, slotCount: number, shared: boolean): SwiotlbPool | null {
    const bus = device.busDmaLimit ?? 0;
    const start = this.#reachablePages(
      slotCount * IO_TLB_SIZE,
      bus === 0 ? device.dmaMask : Math.min(bus, device.dmaMask),
    );
    return start < 0 ? null : new SwiotlbPool({ start, slotCount, shared });
  }

  /** Hangs a transient pool on its device, now that its slots are taken. */
  keep(pool: SwiotlbPool): void {
    this.transient.push(pool);
  }

  /** Unhooks a pool; its memory goes back when the worker runs (spec S114). False if it is none of ours. */
  dropTransient(pool: SwiotlbPool): boolean {
    const at = this.transient.indexOf(pool);
    if (at < 0) return false;
    this.transient.splice(at, 1);
    this.discard(pool);
    return true;
  }

  /** A transient pool that could not serve its request (spec S113). */
  discard(pool: SwiotlbPool): void {
    this.#abandoned.push(pool);
  }

  /**
   * What the kernel's worker does when it gets to run: gives memory of dropped pools back and grows if that was asked for.
   *
   * @returns the new lasting pool, or null
   */
  runWorker(defaultPool: SwiotlbPool): SwiotlbPool | null {
    for (const pool of this.#abandoned) this.#options.pages.freePages(pool.start, pool.end - pool.start);
    this.#abandoned.length = 0;
    if (!this.#growing) return null;
    this.#growing = false;
    return this.#makeLasting(defaultPool);
  }

  /** Spec S115. */
  #makeLasting({ slotCount: wanted, areaCount, shared }: SwiotlbPool): SwiotlbPool | null {
    const { pages, physLimit, largestBlockSlots } = this.#options;
    let slotCount = Math.min(wanted, largestBlockSlots);
    for (;;) {
      const bytes = slotCount * IO_TLB_SIZE;
      const start = pages.allocatePages(bytes, physLimit <= DMA32_LIMIT ? 'DMA32' : 'Normal');
      if (start >= 0) return new SwiotlbPool({ start, slotCount, areaCount: areasFor(slotCount, areaCount), shared });
      if (slotCount <= IO_TLB_MIN_SLABS) break;
      slotCount = Math.ceil(slotCount / 2 / IO_TLB_SEGSIZE) * IO_TLB_SEGSIZE;
    }
    this.#messages.growthFailed();
    return null;
  }

  /** Spec S112: the zone by the limit; pages that come out too high are tried again in a lower zone. */
  #reachablePages(bytes: number, limit: number): number {
    const { pages } = this.#options;
    for (const zone of this.#zonesFor(limit)) {
      const start = pages.allocatePages(bytes, zone);
      if (start < 0) return -1;
      if (start + bytes - 1 <= limit) return start;
      pages.freePages(start, bytes);
    }
    return -1;
  }

  #zonesFor(limit: number): readonly PageZone[] {
    if (limit <= this.#options.dmaZoneLimit) return ['DMA'];
    return limit <= DMA32_LIMIT ? ['DMA32', 'DMA'] : ['Normal', 'DMA32', 'DMA'];
  }
}
