import { PAGE_SIZE } from '../address.ts';
import { PhysMemory } from '../memory/phys-memory.ts';
import type { PageObserver } from '../pages/page-allocator.ts';
import { pagePieces } from '../pages/page-pieces.ts';

/** Bytes of a check that hold something nobody wrote (spec P86). Offsets are relative to the piece checked. */
export interface KmsanReport {
  readonly kind: 'uninit-value' | 'use-after-free';
  readonly phys: number;
  readonly first: number;
  readonly last: number;
  readonly size: number;
  /** As the kernel words it. */
  readonly text: string;
}

export interface KmsanOptions {
  /** Memory without shadow counts as initialised (spec P83). All memory has one unless told otherwise. */
  readonly hasShadow?: (phys: number) => boolean;
  /** High memory is skipped by the DMA hook (spec P85). None unless told otherwise. */
  readonly isHighMemory?: (phys: number) => boolean;
}

const UNINITIALISED = 0xff;

/**
 * Which bytes of memory were ever written (spec P83 to P87): a byte of shadow for each byte, an origin for each aligned
 * word. Both are sparse memories of their own, so a machine without it pays nothing.
 *
 * An origin is the number of an allocation or free, times two, plus one for a free; 0 is none.
 */
export class KmsanShadow implements PageObserver {
  readonly reports: KmsanReport[] = [];
  readonly #shadow = new PhysMemory();
  readonly #origins = new PhysMemory();
  readonly #hasShadow: (phys: number) => boolean;
  readonly #isHighMemory: (phys: number) => boolean;
  #events = 0;

  constructor(options: KmsanOptions = {}) {
    this.#hasShadow = options.hasShadow ?? (() => true);
    this.#isHighMemory = options.isHighMemory ?? (() => false);
  }

  isHighMemory(phys: number): boolean {
    return this.#isHighMemory(phys);
  }

  /** The page allocator handed out a block (spec P84). */
  allocated(pfn: number, order: number, isZeroed: boolean): void {
    if (isZeroed) this.markInitialised(pfn * PAGE_SIZE, 2 ** order * PAGE_SIZE);
    else this.poison(pfn * PAGE_SIZE, 2 ** order * PAGE_SIZE, false);
  }

  /** The page allocator got a block back: whoever reads it now uses it after its free (spec P84). */
  freed(pfn: number, order: number): void {
    this.poison(pfn * PAGE_SIZE, 2 ** order * PAGE_SIZE, true);
  }

  /** Marks bytes as never written, by a new origin: a slab allocation, or a free. */
  poison(phys: number, size: number, isFree: boolean): void {
    const origin = ++this.#events * 2 + (isFree ? 1 : 0);
    for (const { at, lengthBytes } of pagePieces(phys, size)) {
      if (!this.#hasShadow(at)) continue;
      this.#shadow.fill(at, lengthBytes, UNINITIALISED);
      for (let word = wordOf(at); word < at + lengthBytes; word += 4) this.#origins.store32(word, origin);
    }
  }

  /** The CPU stored known values: clears the shadow, and the origin of words without any left (spec P84, P87). */
  markInitialised(phys: number, size: number): void {
    for (const { at, lengthBytes } of pagePieces(phys, size)) {
      if (!this.#hasShadow(at)) continue;
      this.#shadow.fill(at, lengthBytes, 0);
      for (let word = wordOf(at); word < at + lengthBytes; word += 4) this.#dropOriginIfClear(word);
    }
  }

  /** The CPU copied bytes: shadow and origins go with them (spec P84). */
  copyShadow(to: number, from: number, size: number): void {
    const shadows = Array.from({ length: size }, (_, i) => this.#shadowAt(from + i));
    const origins = Array.from({ length: size }, (_, i) => this.#originAt(from + i));
    for (let i = 0; i < size; i++) {
      if (!this.#hasShadow(to + i)) continue;
      this.#shadow.store8(to + i, shadows[i]);
      if (shadows[i] === 0) this.#dropOriginIfClear(wordOf(to + i));
      else this.#origins.store32(wordOf(to + i), origins[i]);
    }
  }

  /** Whether every byte of the range was written. */
  isInitialised(phys: number, size: number): boolean {
    for (let at = phys; at < phys + size; at++) if (this.#shadowAt(at) !== 0) return false;
    return true;
  }

  /**
   * Reports every maximal run of uninitialised bytes of one origin in a piece that lies inside one page (spec P86). The
   * shadow stays: checking again reports again.
   */
  check(phys: number, size: number): void {
    let first = 0;
    let origin = 0;
    for (let i = 0; i <= size; i++) {
      const here = i < size && this.#shadowAt(phys + i) !== 0 ? this.#originAt(phys + i) : 0;
      if (here === origin) continue;
      if (origin !== 0) this.#report(phys, first, i - 1, size, origin);
      first = i;
      origin = here;
    }
  }

  #report(phys: number, first: number, last: number, size: number, origin: number): void {
    const which = first === last ? `Byte ${first} of ${size} is` : `Bytes ${first}-${last} of ${size} are`;
    const kind = origin % 2 === 1 ? 'use-after-free' : 'uninit-value';
    this.reports.push({ kind, phys, first, last, size, text: `${which} uninitialized` });
  }

  #shadowAt(at: number): number {
    return this.#hasShadow(at) ? this.#shadow.load8(at) : 0;
  }

  #originAt(at: number): number {
    return this.#hasShadow(at) ? this.#origins.load32(wordOf(at)) : 0;
  }

  #dropOriginIfClear(word: number): void {
    if (this.#shadow.load32(word) === 0) this.#origins.store32(word, 0);
  }
}

function wordOf(at: number): number {
  return at - (at % 4);
}
