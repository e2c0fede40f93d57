import type { DmaContext } from '@dmalab/dma-api';
import { GFP_ATOMIC } from '@dmalab/dma-api';
import { high32 } from '../../spec/bits.ts';
import { DSM_RANGE_BYTES } from '../../spec/sqe.ts';

const PAGE = 4096;
/** The one page kept for when there is no memory (spec N73). */
const RESERVED = 0;

/** Pages of Dataset Management ranges: allocated when needed, one in reserve (spec N73). */
export class DiscardPages {
  readonly #context: DmaContext;
  readonly #pages: number[] = [];
  readonly #free: number[] = [];

  constructor(context: DmaContext) {
    this.#context = context;
    const reserved = context.pageSource?.allocPages(GFP_ATOMIC, 0, -1) ?? -1;
    if (reserved >= 0) this.#pages.push(reserved);
    if (reserved >= 0) this.#free.push(RESERVED);
  }

  /** A page's number, zeroed, or -1 when even the reserve is in use. */
  take(): number {
    const page = this.#free.length > 1 ? this.#free.pop()! : this.#grow();
    if (page >= 0) this.#context.memory.fill(this.#pages[page], PAGE, 0);
    return page;
  }

  physOf(page: number): number {
    return this.#pages[page];
  }

  putRange(page: number, index: number, slba: number, blocks: number): void {
    const at = this.#pages[page] + index * DSM_RANGE_BYTES;
    const { memory } = this.#context;
    memory.store32(at, 0);
    memory.store32(at + 4, blocks);
    memory.store32(at + 8, slba >>> 0);
    memory.store32(at + 12, high32(slba));
  }

  put(page: number): void {
    if (page === RESERVED) this.#free.unshift(page);
    else this.#free.push(page);
  }

  /** Gives all pages back, the reserve too. */
  release(): void {
    for (const phys of this.#pages) this.#context.pageSource?.freePages(phys, 0);
    this.#pages.length = 0;
    this.#free.length = 0;
  }

  #grow(): number {
    const phys = this.#context.pageSource?.allocPages(GFP_ATOMIC, 0, -1) ?? -1;
    if (phys >= 0) return this.#pages.push(phys) - 1;
    return this.#free.pop() ?? -1;
  }
}
