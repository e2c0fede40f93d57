import type { ByteAccess } from '../memory/byte-access.ts';
import type { CpuCache } from './cpu-cache.ts';

/** Memory as a coherent device sees it: its accesses see the CPU's cache and invalidate it (spec P70). */
export class CoherentPort {
  readonly #cache: CpuCache;
  readonly #memory: ByteAccess;

  constructor(cache: CpuCache, memory: ByteAccess) {
    this.#cache = cache;
    this.#memory = memory;
  }

  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    this.#cache.clean(at, lengthBytes);
    this.#memory.read(at, into, offset, lengthBytes);
  }

  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    this.#cache.flush(at, lengthBytes);
    this.#memory.write(at, from, offset, lengthBytes);
  }
}
