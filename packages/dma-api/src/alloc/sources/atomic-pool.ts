import { PAGE_SIZE } from '@dmalab/phys-memory';
import type { DmaContext } from '../../context/dma-context.ts';
import type { Device } from '../../device/device.ts';
import { __GFP_DMA, __GFP_DMA32, __GFP_NOWARN, GFP_KERNEL } from '../../types/gfp.ts';
import { orderOf } from '../dma-memory.ts';
import { coherentOk } from './direct-pages.ts';

const NOTHING = -1;
const GIB = 2 ** 30;
const SMALLEST_POOL = 128 * 1024;

/** Which zone an atomic pool was filled from. */
export type AtomicPoolZone = 'kernel' | 'dma32' | 'dma';

const ZONE_FLAG: Readonly<Record<AtomicPoolZone, number>> = { kernel: 0, dma32: __GFP_DMA32, dma: __GFP_DMA };

export interface AtomicPoolOptions {
  /** Zones that have memory: only those get a pool. */
  readonly zones: readonly AtomicPoolZone[];
  /** `coherent_pool=`; by default 128 KiB for each GiB of RAM. */
  readonly initialBytes?: number;
  /** The pools hold shared memory. */
  readonly shared?: boolean;
}

interface Chunk {
  readonly phys: number;
  readonly used: boolean[];
}

/** One pool: chunks of pages, first fit, aligned to the request's order (spec D47). */
class AtomicPool {
  readonly zone: AtomicPoolZone;
  readonly shared: boolean;
  readonly #chunks: Chunk[] = [];
  #bytes = 0;
  #freeBytes = 0;

  constructor(zone: AtomicPoolZone, shared: boolean) {
    this.zone = zone;
    this.shared = shared;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  add(phys: number, bytes: number): void {
    this.#chunks.push({ phys, used: new Array<boolean>(bytes / PAGE_SIZE).fill(false) });
    this.#bytes += bytes;
    this.#freeBytes += bytes;
  }

  /** A run that satisfies `reachable`, or -1. */
  alloc(size: number, reachable: (phys: number) => boolean): number {
    const count = size / PAGE_SIZE;
    const step = 2 ** orderOf(size);
    for (const { phys, used } of this.#chunks) {
      for (let first = 0; first + count <= used.length; first += step) {
        if (used.slice(first, first + count).includes(true) || !reachable(phys + first * PAGE_SIZE)) continue;
        used.fill(true, first, first + count);
        this.#freeBytes -= size;
        return phys + first * PAGE_SIZE;
      }
    }
    return NOTHING;
  }

  free(phys: number, size: number): boolean {
    const chunk = this.#chunks.find((c) => phys >= c.phys && phys < c.phys + c.used.length * PAGE_SIZE);
    if (chunk === undefined) return false;
    const first = (phys - chunk.phys) / PAGE_SIZE;
    chunk.used.fill(false, first, first + size / PAGE_SIZE);
    this.#freeBytes += size;
    return true;
  }
}

/**
 * Memory for coherent allocations that may neither block nor change a mapping (spec D47, P50): up to three pools, filled
 * at boot, each grown by a background job when it runs low.
 */
export class AtomicPools {
  readonly #context: DmaContext;
  readonly #pools: AtomicPool[] = [];
  readonly #initialBytes: number;
  /** Pools whose growth job is due. */
  readonly #low = new Set<AtomicPool>();

  constructor(context: DmaContext, options: AtomicPoolOptions) {
    this.#context = context;
    this.#initialBytes = options.initialBytes ?? this.#defaultBytes();
    for (const zone of options.zones) {
      const pool = new AtomicPool(zone, options.shared ?? false);
      this.#expand(pool, this.#initialBytes);
      this.#pools.push(pool);
    }
  }

  /** Bytes in one pool, 0 if its zone has none. */
  sizeOf(zone: AtomicPoolZone): number {
    return this.#pool(zone)?.bytes ?? 0;
  }

  /** `dma_alloc_from_pool`: zeroed pages, or -1 with the warning that the flags allow. */
  alloc(dev: Device, size: number, gfp: number, shared: boolean): number {
    let anySuitable = false;
    for (let pool = this.#first(gfp); pool !== null; pool = this.#next(pool)) {
      if (pool.shared !== shared) continue;
      anySuitable = true;
      const phys = pool.alloc(size, (at) => coherentOk(dev, at, size));
      if (pool.freeBytes < this.#initialBytes) this.#low.add(pool);
      if (phys === NOTHING) continue;
      this.#context.memory.fill(phys, size);
      return phys;
    }
    const text = anySuitable ? `DMA pool exhausted for ${dev.name}` : `Failed to get suitable pool for ${dev.name}`;
    if (!anySuitable || (gfp & __GFP_NOWARN) === 0) this.#context.log.add('warn', 'atomic pool', dev.name, text);
    return NOTHING;
  }

  /** False if the address is in none of the pools. */
  free(phys: number, size: number): boolean {
    return this.#pools.some((pool) => pool.free(phys, size));
  }

  /** The background job: each pool that ran low grows by its own size, one buddy block at most (spec P50). */
  grow(): void {
    for (const pool of this.#low) this.#expand(pool, pool.bytes);
    this.#low.clear();
  }

  #expand(pool: AtomicPool, bytes: number): void {
    const { pageSource, options } = this.#context;
    const largest = PAGE_SIZE * 2 ** options.maxPageOrder;
    const size = PAGE_SIZE * 2 ** orderOf(Math.min(bytes, largest));
    const phys = pageSource?.allocPages(GFP_KERNEL | ZONE_FLAG[pool.zone], orderOf(size), -1) ?? NOTHING;
    if (phys === NOTHING) return;
    if (pool.shared && !(this.#context.sharedMemory?.setDecrypted(phys, size) ?? true)) return;
    pool.add(phys, size);
  }

  /** The zone that the request names, else the nearest that exists (spec D47). */
  #first(gfp: number): AtomicPool | null {
    if ((gfp & __GFP_DMA) !== 0) return this.#pool('dma') ?? this.#pool('dma32') ?? this.#pool('kernel');
    if ((gfp & __GFP_DMA32) !== 0) return this.#pool('dma32') ?? this.#pool('dma') ?? this.#pool('kernel');
    return this.#pool('kernel') ?? this.#pool('dma32') ?? this.#pool('dma');
  }

  /** Depends only on the pool just tried: downwards, never back up (spec D47). */
  #next(tried: AtomicPool): AtomicPool | null {
    if (tried.zone === 'kernel') return this.#pool('dma32') ?? this.#pool('dma');
    return tried.zone === 'dma32' ? this.#pool('dma') : null;
  }

  #pool(zone: AtomicPoolZone): AtomicPool | null {
    return this.#pools.find((pool) => pool.zone === zone) ?? null;
  }

  #defaultBytes(): number {
    let ram = 0;
    for (const { start, end } of this.#context.ram) ram += end - start + 1;
    return Math.min(
      Math.max(SMALLEST_POOL, (ram / GIB) * SMALLEST_POOL),
      PAGE_SIZE * 2 ** this.#context.options.maxPageOrder,
    );
  }
}
