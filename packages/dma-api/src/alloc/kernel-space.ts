import { ADDRESS_LIMIT, PAGE_SIZE, type PhysMemory } from '@dmalab/phys-memory';
import { DmaArgumentError } from '../types/errors.ts';

declare const pointerBrand: unique symbol;

/**
 * A kernel address. In the linear map it is the number of the physical address behind it (spec P2); the vmalloc space,
 * where neighbouring pages may lie far apart (spec P24), begins above every physical address.
 */
export type KernelPointer = number & { readonly [pointerBrand]: true };

/** First address of the vmalloc space. */
export const VMALLOC_START = ADDRESS_LIMIT;

/** The kernel's view of memory: what a driver's loads and stores go through. */
export class KernelSpace {
  readonly #memory: PhysMemory;
  /** Physical address of each vmalloc page; undefined in guard pages and freed areas. */
  readonly #pages: (number | undefined)[] = [];
  readonly #areaPages = new Map<KernelPointer, number>();

  constructor(memory: PhysMemory) {
    this.#memory = memory;
  }

  /** The linear map's address of a physical one. */
  linear(phys: number): KernelPointer {
    return phys as KernelPointer;
  }

  isVmalloc(pointer: KernelPointer): boolean {
    return pointer >= VMALLOC_START;
  }

  /** `vmap`: pages side by side at a new address, a guard page behind them. */
  vmap(pages: readonly number[]): KernelPointer {
    const pointer = (VMALLOC_START + this.#pages.length * PAGE_SIZE) as KernelPointer;
    this.#pages.push(...pages, undefined);
    this.#areaPages.set(pointer, pages.length);
    return pointer;
  }

  /** `vunmap`; a pointer that `vmap` didn't return is left alone. */
  vunmap(pointer: KernelPointer): void {
    const count = this.#areaPages.get(pointer) ?? 0;
    const first = (pointer - VMALLOC_START) / PAGE_SIZE;
    this.#pages.fill(undefined, first, first + count);
    this.#areaPages.delete(pointer);
  }

  /** Pages of a vmap area in order, empty for any other address. */
  pagesOf(pointer: KernelPointer): number[] {
    const first = (pointer - VMALLOC_START) / PAGE_SIZE;
    return this.#pages.slice(first, first + (this.#areaPages.get(pointer) ?? 0)) as number[];
  }

  /** @throws {DmaArgumentError} where nothing is mapped */
  physOf(pointer: KernelPointer): number {
    if (pointer < VMALLOC_START) return pointer;
    const offset = pointer - VMALLOC_START;
    const page = this.#pages[Math.floor(offset / PAGE_SIZE)];
    if (page !== undefined) return page + (offset % PAGE_SIZE);
    throw new DmaArgumentError('vmalloc access', `nothing is mapped at ${pointer.toString(16)}`, { pointer });
  }

  load32(pointer: KernelPointer): number {
    return this.#memory.load32(this.physOf(pointer));
  }

  store32(pointer: KernelPointer, value: number): void {
    this.#memory.store32(this.physOf(pointer), value);
  }

  read(pointer: KernelPointer, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    for (let done = 0; done < lengthBytes; ) {
      const piece = this.#piece(pointer + done, lengthBytes - done);
      this.#memory.read(this.physOf((pointer + done) as KernelPointer), into, offset + done, piece);
      done += piece;
    }
  }

  write(pointer: KernelPointer, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    for (let done = 0; done < lengthBytes; ) {
      const piece = this.#piece(pointer + done, lengthBytes - done);
      this.#memory.write(this.physOf((pointer + done) as KernelPointer), from, offset + done, piece);
      done += piece;
    }
  }

  fill(pointer: KernelPointer, lengthBytes: number, byte = 0): void {
    for (let done = 0; done < lengthBytes; ) {
      const piece = this.#piece(pointer + done, lengthBytes - done);
      this.#memory.fill(this.physOf((pointer + done) as KernelPointer), piece, byte);
      done += piece;
    }
  }

  /** Bytes that lie side by side from there: all in the linear map, the rest of the page in vmalloc space. */
  #piece(pointer: number, left: number): number {
    return pointer < VMALLOC_START ? left : Math.min(left, PAGE_SIZE - (pointer % PAGE_SIZE));
  }
}
