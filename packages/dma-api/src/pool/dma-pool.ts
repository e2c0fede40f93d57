import { type DmaAddr, PAGE_SIZE } from '@dmalab/phys-memory';
import { dmaAllocCoherent, dmaFreeCoherent } from '../alloc/alloc-attrs.ts';
import type { DmaMemory } from '../alloc/dma-memory.ts';
import type { KernelPointer } from '../alloc/kernel-space.ts';
import type { Device } from '../device/device.ts';
import { __GFP_ZERO } from '../types/gfp.ts';
import { PoolPoison } from './pool-poison.ts';

/** A block holds two words of the kernel while it is free (spec D67). */
const SMALLEST_BLOCK = 16;
const LARGEST_BLOCK = 2 ** 31 - 1;
const NAME_CHARACTERS = 31;

/**
 * `struct dma_pool` (spec D67 to D69): small blocks of coherent memory, in last-in first-out order. Grows by one coherent
 * allocation at a time and gives nothing back before it is destroyed.
 */
export class DmaPool {
  readonly name: string;
  readonly dev: Device;
  readonly blockSize: number;
  readonly chunkSize: number;
  readonly boundary: number;
  readonly chunks: DmaMemory[] = [];
  /** Blocks handed out. */
  active = 0;
  /** Blocks in all chunks. */
  blocks = 0;
  /** The last one is popped first. */
  readonly #free: DmaMemory[] = [];
  readonly #poison: PoolPoison | null;

  /** Use {@link dmaPoolCreate}, which checks and registers. */
  constructor(name: string, dev: Device, blockSize: number, boundary: number) {
    this.name = name.slice(0, NAME_CHARACTERS);
    this.dev = dev;
    this.blockSize = blockSize;
    this.chunkSize = Math.max(blockSize, PAGE_SIZE);
    this.boundary = Math.min(boundary === 0 ? this.chunkSize : boundary, this.chunkSize);
    this.#poison = dev.context.options.slubDebug ? new PoolPoison(this) : null;
  }

  /** `dma_pool_alloc`: null when the pool can't grow. */
  alloc(gfp: number): DmaMemory | null {
    if (this.#free.length === 0 && !this.#grow(gfp & ~__GFP_ZERO)) return null;
    const block = this.#free.pop()!;
    this.active++;
    this.#poison?.onAlloc(block);
    if ((gfp & __GFP_ZERO) !== 0 || this.dev.context.options.initOnAlloc) {
      this.dev.context.kernelSpace.fill(block.cpuAddr, this.blockSize);
    }
    return block;
  }

  /** `dma_pool_free`: the handle is believed and handed out again by the next allocation (spec T22). */
  free(cpuAddr: KernelPointer, dmaAddr: DmaAddr): void {
    if (this.#poison !== null && !this.#poison.onFree(cpuAddr, this.#free)) return;
    this.#free.push({ cpuAddr, dmaAddr });
    this.active--;
  }

  /** Whether the address lies in one of the chunks. */
  contains(cpuAddr: KernelPointer): boolean {
    return this.chunks.some((chunk) => cpuAddr >= chunk.cpuAddr && cpuAddr < chunk.cpuAddr + this.chunkSize);
  }

  /** `pool_initialise_page`: blocks in ascending order, none across a boundary, in front of the free list (spec D68). */
  #grow(gfp: number): boolean {
    const chunk = dmaAllocCoherent(this.dev, this.chunkSize, gfp);
    if (chunk === null) return false;
    this.chunks.push(chunk);
    this.#poison?.onGrow(chunk);
    const offsets: number[] = [];
    let boundary = this.boundary;
    for (let offset = 0; offset + this.blockSize <= this.chunkSize; ) {
      if (offset + this.blockSize > boundary) {
        offset = boundary;
        boundary += this.boundary;
        continue;
      }
      offsets.push(offset);
      offset += this.blockSize;
    }
    for (const offset of offsets.reverse()) {
      const cpuAddr = (chunk.cpuAddr + offset) as KernelPointer;
      this.#free.push({ cpuAddr, dmaAddr: (chunk.dmaAddr + offset) as DmaAddr });
    }
    this.blocks += offsets.length;
    return true;
  }
}

/** `dma_pool_create` (spec D67): null for a size, alignment or boundary that can't be served. */
export function dmaPoolCreate(
  name: string,
  dev: Device | null,
  size: number,
  align: number,
  boundary: number,
): DmaPool | null {
  if (dev === null) return null;
  if (align === 0) align = 1;
  if (!isPowerOfTwo(align) || size === 0 || size > LARGEST_BLOCK) return null;
  const blockSize = Math.ceil(Math.max(size, SMALLEST_BLOCK) / align) * align;
  if (boundary !== 0 && (!isPowerOfTwo(boundary) || boundary < blockSize)) return null;
  const pool = new DmaPool(name, dev, blockSize, boundary);
  dev.dmaPools.unshift(pool);
  return pool;
}

/** `dma_pool_alloc`. */
export function dmaPoolAlloc(pool: DmaPool, gfp: number): DmaMemory | null {
  return pool.alloc(gfp);
}

/** `dma_pool_zalloc`. */
export function dmaPoolZalloc(pool: DmaPool, gfp: number): DmaMemory | null {
  return pool.alloc(gfp | __GFP_ZERO);
}

/** `dma_pool_free`. */
export function dmaPoolFree(pool: DmaPool, cpuAddr: KernelPointer, dmaAddr: DmaAddr): void {
  pool.free(cpuAddr, dmaAddr);
}

/** `dma_pool_destroy` (spec D70): a busy pool leaks its chunks, since the device may still use them. */
export function dmaPoolDestroy(pool: DmaPool | null): void {
  if (pool === null) return;
  const { dev } = pool;
  dev.dmaPools.splice(dev.dmaPools.indexOf(pool), 1);
  if (pool.active !== 0) {
    dev.context.log.add('error', 'dma_pool_destroy', dev.name, `dma_pool_destroy ${pool.name}, ${pool.active} busy`);
    return;
  }
  for (const chunk of pool.chunks) dmaFreeCoherent(dev, pool.chunkSize, chunk.cpuAddr, chunk.dmaAddr);
}

/** The device's `pools` attribute (spec D70). */
export function poolsAttribute(dev: Device): string {
  let text = 'poolinfo - 0.1\n';
  for (const pool of dev.dmaPools) {
    const counts = [pool.active, pool.blocks, pool.blockSize].map((count) => String(count).padStart(4));
    text += `${pool.name.padEnd(16)} ${counts.join(' ')} ${String(pool.chunks.length).padStart(2)}\n`;
  }
  return text;
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}
