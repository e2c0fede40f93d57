import type { FabricMemory } from '@dmalab/pci-p2p';
import { ConfidentialDeviceView, type PhysMemory, SharedPages } from '@dmalab/phys-memory';

/**
 * The memory of an Arm CCA realm as a device sees it: shared pages have their addresses in the upper half, with the top
 * bit set (spec P60); in the lower half there is nothing but ciphertext (spec P66).
 */
export class RealmDeviceView implements FabricMemory {
  readonly #topBit: number;
  readonly #upper: ConfidentialDeviceView;
  readonly #lower: ConfidentialDeviceView;

  constructor(memory: PhysMemory, shared: SharedPages, topBit: number) {
    this.#topBit = topBit;
    this.#upper = new ConfidentialDeviceView(memory, shared);
    this.#lower = new ConfidentialDeviceView(memory, new SharedPages(memory)); // nothing is shared there
  }

  read(at: number, into: Uint8Array, offset: number, lengthBytes: number): void {
    if (at >= this.#topBit) this.#upper.read(at - this.#topBit, into, offset, lengthBytes);
    else this.#lower.read(at, into, offset, lengthBytes);
  }

  write(at: number, from: Uint8Array, offset: number, lengthBytes: number): void {
    if (at >= this.#topBit) this.#upper.write(at - this.#topBit, from, offset, lengthBytes);
    else this.#lower.write(at, from, offset, lengthBytes);
  }
}
