import { PAGE_SIZE } from '../address.ts';
import type { ByteAccess } from '../memory/byte-access.ts';
import { PageError } from './page-error.ts';

/**
 * CPU access on a 32-bit machine: pages of high memory have no address until they are mapped for a moment (spec P69).
 * Devices are not concerned: they use physical addresses.
 */
export class HighMemoryAccess implements ByteAccess {
  readonly #memory: ByteAccess;
  readonly #isHighMemory: (phys: number) => boolean;
  readonly #mapped = new Map<number, number>();

  constructor(memory: ByteAccess, isHighMemory: (phys: number) => boolean) {
    this.#memory = memory;
    this.#isHighMemory = isHighMemory;
  }

  /** `kmap_local`: makes one page accessible; calls nest. */
  map(pfn: number): void {
    this.#mapped.set(pfn, (this.#mapped.get(pfn) ?? 0) + 1);
  }

  /** Undoes one {@link map}. @throws {PageError} when the page is not mapped */
  unmap(pfn: number): void {
    const depth = this.#mapped.get(pfn);
    if (depth === undefined) throw new PageError('ERR_PAGE_NOT_ALLOCATED', pfn, 'is not mapped');
    if (depth === 1) this.#mapped.delete(pfn);
    else this.#mapped.set(pfn, depth - 1);
  }

  load8(at: number): number {
    this.#check(at, 1);
    return this.#memory.load8(at);
  }

  load16(at: number): number {
    this.#check(at, 2);
    return this.#memory.load16(at);
  }

  load32(at: number): number {
    this.#check(at, 4);
    return this.#memory.load32(at);
  }

  store8(at: number, value: number): void {
    this.#check(at, 1);
    this.#memory.store8(at, value);
  }

  store16(at: number, value: number): void {
    this.#check(at, 2);
    this.#memory.store16(at, value);
  }

  store32(at: number, value: number): void {
    this.#check(at, 4);
    this.#memory.store32(at, value);
  }

  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    this.#check(at, lengthBytes);
    this.#memory.read(at, into, offset, lengthBytes);
  }

  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    this.#check(at, lengthBytes);
    this.#memory.write(at, from, offset, lengthBytes);
  }

  #check(at: number, lengthBytes: number): void {
    for (let pfn = Math.floor(at / PAGE_SIZE); pfn * PAGE_SIZE < at + lengthBytes; pfn++) {
      if (!this.#isHighMemory(pfn * PAGE_SIZE) || this.#mapped.has(pfn)) continue;
      throw new PageError('ERR_HIGH_MEMORY', pfn, 'is high memory and not mapped: the CPU has no address for it');
    }
  }
}
