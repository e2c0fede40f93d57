import type { DmaMemory } from '../alloc/dma-memory.ts';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import { hex } from '../types/hex.ts';
import type { DmaPool } from './dma-pool.ts';

const POISON_FREED = 0xa7;
const POISON_ALLOCATED = 0xa9;
/** The kernel keeps its list links in the first bytes of a free block. */
const LINK_BYTES = 16;

/** What a kernel built with slab debugging adds to a pool (spec D69): fills, and complaints where they changed. */
export class PoolPoison {
  readonly #pool: DmaPool;

  constructor(pool: DmaPool) {
    this.#pool = pool;
  }

  onGrow(chunk: DmaMemory): void {
    this.#space.fill(chunk.cpuAddr, this.#pool.chunkSize, POISON_FREED);
  }

  /** A block that was written while it was free is reported and handed out nevertheless. */
  onAlloc(block: DmaMemory): void {
    const { blockSize, dev } = this.#pool;
    const bytes = new Uint8Array(blockSize);
    this.#space.read(block.cpuAddr, bytes);
    const changed = bytes.findIndex((byte, i) => i >= LINK_BYTES && byte !== POISON_FREED);
    if (changed >= 0) this.#complain(`${hex(block.cpuAddr)} (corrupted) at offset ${changed}`);
    if (!dev.context.options.initOnAlloc) this.#space.fill(block.cpuAddr, blockSize, POISON_ALLOCATED);
  }

  /** False if the free must be ignored. */
  onFree(cpuAddr: KernelPointer, free: readonly DmaMemory[]): boolean {
    if (!this.#pool.contains(cpuAddr)) return this.#complain(`${hex(cpuAddr)} (bad address)`);
    if (free.some((block) => block.cpuAddr === cpuAddr)) return this.#complain(`${hex(cpuAddr)} already free`);
    this.#space.fill(cpuAddr, this.#pool.blockSize, POISON_FREED);
    return true;
  }

  #complain(text: string): false {
    const { dev, name } = this.#pool;
    dev.context.log.add('error', 'dma_pool', dev.name, `dma_pool ${name}, ${text}`);
    return false;
  }

  get #space() {
    return this.#pool.dev.context.kernelSpace;
  }
}
