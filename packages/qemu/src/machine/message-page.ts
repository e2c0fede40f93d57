import type { MessageInterrupts } from '@dmalab/pci-p2p';
import type { SharedRam } from './shared-ram.ts';

const WORDS = 1024;
/** Never 0, which is what a word holds while nothing has come. */
const FIRST_DATA = 0xcafe_0000;

/**
 * Message interrupts without an interrupt controller: each message goes to a word of RAM of its own, where looking finds
 * it (spec B49). Behind an IOMMU the page needs a mapping at its own address, as any memory a device writes to.
 */
export class MessagePage implements MessageInterrupts {
  /** Physical address of the page. */
  readonly start: number;
  readonly #ram: SharedRam;
  #allocated = 0;

  constructor(ram: SharedRam, start: number) {
    this.#ram = ram;
    this.start = start;
    ram.fill(start, 4 * WORDS);
  }

  /** @throws {RangeError} when the page is full */
  allocate(): number {
    if (this.#allocated === WORDS) throw new RangeError(`all ${WORDS} messages of the page are taken`);
    return this.#allocated++;
  }

  address(index: number): number {
    return this.start + 4 * index;
  }

  data(index: number): number {
    return FIRST_DATA + index;
  }

  /** Clears first: a message that comes after that is seen at the next look, and what it announces in this round. */
  take(index: number): boolean {
    const at = this.address(index);
    if (this.#ram.load32(at) === 0) return false;
    this.#ram.store32(at, 0);
    return true;
  }
}
