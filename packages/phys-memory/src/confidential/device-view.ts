import type { PhysMemory } from '../memory/phys-memory.ts';
import { pagePieces } from '../pages/page-pieces.ts';
import { scramble } from './scramble.ts';
import type { SharedPages } from './shared-pages.ts';

/**
 * The memory of a confidential guest as a device sees it (spec P66): shared pages are bytes; a private page reads as
 * ciphertext, and a write leaves the guest with something else than was written.
 */
export class ConfidentialDeviceView {
  readonly #memory: PhysMemory;
  readonly #pages: SharedPages;

  constructor(memory: PhysMemory, pages: SharedPages) {
    this.#memory = memory;
    this.#pages = pages;
  }

  read(at: number, into: Uint8Array, offset = 0, lengthBytes = into.length - offset): void {
    this.#memory.read(at, into, offset, lengthBytes);
    this.#scramblePrivate(at, into, offset, lengthBytes);
  }

  write(at: number, from: Uint8Array, offset = 0, lengthBytes = from.length - offset): void {
    const bytes = from.slice(offset, offset + lengthBytes);
    this.#scramblePrivate(at, bytes, 0, lengthBytes);
    this.#memory.write(at, bytes);
  }

  #scramblePrivate(at: number, bytes: Uint8Array, offset: number, lengthBytes: number): void {
    for (const piece of pagePieces(at, lengthBytes)) {
      if (!this.#pages.isShared(piece.at)) scramble(piece.at, bytes, offset + piece.at - at, piece.lengthBytes);
    }
  }
}
