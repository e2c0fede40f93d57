import { INVALID_PHYS_ADDR, IO_TLB_SIZE } from '../constants.ts';
import type { SwiotlbDevice } from '../device.ts';
import type { SwiotlbPool } from '../pool/pool.ts';
import type { BounceShadow, SwiotlbMemory } from './memory.ts';
import type { SwiotlbMessages } from './messages.ts';

/** The only two copies that bouncing makes: in, from the caller's buffer to the pool, and out (spec S61). */
export class BounceCopies {
  readonly #memory: SwiotlbMemory;
  readonly #shadow: BounceShadow | null;
  readonly #messages: SwiotlbMessages;

  constructor(memory: SwiotlbMemory, shadow: BounceShadow | null, messages: SwiotlbMessages) {
    this.#memory = memory;
    this.#shadow = shadow;
    this.#messages = messages;
  }

  /** Nothing is reported of uninitialised bytes: a buffer that a device will fill is allowed to hold some (spec S70). */
  in(bounce: number, orig: number, length: number): void {
    this.#memory.copy(bounce, orig, length);
    if (this.#shadow !== null) this.#shadow.copyShadow(bounce, orig, length);
  }

  /** The device wrote the bounce bytes as far as anyone can tell, so the caller's become initialised (spec S70). */
  out(orig: number, bounce: number, length: number): void {
    if (this.#shadow !== null) this.#shadow.markInitialised(bounce, length);
    this.#memory.copy(orig, bounce, length);
    if (this.#shadow !== null) this.#shadow.copyShadow(orig, bounce, length);
  }

  /** Part of a buffer, from any address inside it; what would leave the allocation is cut off (spec S66, S67). */
  part(pool: SwiotlbPool, device: SwiotlbDevice, bounce: number, length: number, isOut: boolean): void {
    const slot = pool.slotOf(bounce);
    const slotOrig = pool.orig[slot];
    if (slotOrig === INVALID_PHYS_ADDR) return;
    const into = (bounce & (IO_TLB_SIZE - 1)) - (slotOrig & device.minAlignMask & (IO_TLB_SIZE - 1));
    const room = pool.size[slot] - into;
    if (length > room) {
      this.#messages.overrun(device, room, length);
      length = room;
    }
    if (isOut) this.out(slotOrig + into, bounce, length);
    else this.in(bounce, slotOrig + into, length);
  }
}
