import type { CpuCache } from './cpu-cache.ts';

/** What is done to the cache lines of a buffer. */
export type CacheOperation = 'nothing' | 'clean' | 'invalidate' | 'flush';

/** For each direction, in the order of its numbers: BIDIRECTIONAL, TO_DEVICE, FROM_DEVICE, NONE. */
export interface MaintenanceTable {
  readonly forDevice: readonly [CacheOperation, CacheOperation, CacheOperation, CacheOperation];
  readonly forCpu: readonly [CacheOperation, CacheOperation, CacheOperation, CacheOperation];
}

/** arm64 and riscv (spec P73). */
export const ARM64_MAINTENANCE: MaintenanceTable = {
  forDevice: ['clean', 'clean', 'clean', 'nothing'],
  forCpu: ['invalidate', 'nothing', 'invalidate', 'nothing'],
};

/** Another way to do it (spec P73). */
export const ARC_MAINTENANCE: MaintenanceTable = {
  forDevice: ['flush', 'clean', 'invalidate', 'nothing'],
  forCpu: ['invalidate', 'nothing', 'invalidate', 'nothing'],
};

/**
 * The architecture's cache maintenance around DMA (spec P73). Operations are guaranteed to have happened only after the
 * barrier `flush()`; here they happen at the barrier and not before, so that a forgotten one is seen at once.
 */
export class CacheMaintenance {
  readonly #cache: CpuCache;
  readonly #table: MaintenanceTable;
  readonly #pending: { operation: CacheOperation; phys: number; size: number }[] = [];

  constructor(cache: CpuCache, table: MaintenanceTable = ARM64_MAINTENANCE) {
    this.#cache = cache;
    this.#table = table;
  }

  /** Before the device looks: map, sync for device. */
  forDevice(phys: number, size: number, dir: number): void {
    this.#pending.push({ operation: this.#table.forDevice[dir], phys, size });
  }

  /** Before the CPU looks: unmap, sync for cpu. */
  forCpu(phys: number, size: number, dir: number): void {
    this.#pending.push({ operation: this.#table.forCpu[dir], phys, size });
  }

  /** Completion barrier after a batch of either. */
  flush(): void {
    for (const { operation, phys, size } of this.#pending.splice(0)) {
      if (operation !== 'nothing') this.#cache[operation](phys, size);
    }
  }
}
