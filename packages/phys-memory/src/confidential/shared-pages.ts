import { PAGE_SIZE } from '../address.ts';
import type { PhysMemory } from '../memory/phys-memory.ts';
import { scramble } from './scramble.ts';

/**
 * Which pages of a confidential guest are shared with the outside (spec P64): none at first. Contents do not survive a
 * change in either direction.
 */
export class SharedPages {
  /** The next conversion fails: its pages are unusable from then on, which is why callers leak them. */
  failNext = false;
  readonly #memory: PhysMemory;
  readonly #shared = new Set<number>();
  /** A page on its way: a guest shares tens of thousands at boot. */
  readonly #page = new Uint8Array(PAGE_SIZE);
  readonly #unusable = new Set<number>();

  constructor(memory: PhysMemory) {
    this.#memory = memory;
  }

  isShared(phys: number): boolean {
    return this.#shared.has(Math.floor(phys / PAGE_SIZE));
  }

  /** Left between private and shared by a conversion that failed. */
  isUnusable(phys: number): boolean {
    return this.#unusable.has(Math.floor(phys / PAGE_SIZE));
  }

  /** `set_memory_decrypted`: whole pages become shared. False when that failed. */
  setDecrypted(phys: number, size: number): boolean {
    return this.#convert(phys, size, true);
  }

  /** `set_memory_encrypted`: whole pages become private. False when that failed. */
  setEncrypted(phys: number, size: number): boolean {
    return this.#convert(phys, size, false);
  }

  #convert(phys: number, size: number, toShared: boolean): boolean {
    const isFailing = this.failNext;
    this.failNext = false;
    for (let page = Math.floor(phys / PAGE_SIZE); page * PAGE_SIZE < phys + size; page++) {
      if (isFailing) this.#unusable.add(page);
      else if (toShared !== this.#shared.has(page)) this.#change(page, toShared);
    }
    return !isFailing;
  }

  #change(page: number, toShared: boolean): void {
    if (toShared) this.#shared.add(page);
    else this.#shared.delete(page);
    this.#memory.read(page * PAGE_SIZE, this.#page);
    scramble(page * PAGE_SIZE, this.#page, 0, PAGE_SIZE);
    this.#memory.write(page * PAGE_SIZE, this.#page);
  }
}
