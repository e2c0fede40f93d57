import type { PageSource } from '@dmalab/dma-api';

const PAGE = 4096;

/** A page allocator for tests: blocks from the bottom of one range, freed blocks of the same order first. */
export class BumpPages implements PageSource {
  #next: number;
  readonly #end: number;
  readonly #free = new Map<number, number[]>();
  /** Blocks handed out and not returned. */
  live = 0;

  constructor(start: number, end: number) {
    this.#next = start;
    this.#end = end;
  }

  allocPages(_gfp: number, order: number): number {
    const reused = this.#free.get(order)?.pop();
    const bytes = PAGE * 2 ** order;
    const at = reused ?? Math.ceil(this.#next / bytes) * bytes;
    if (reused === undefined && at + bytes > this.#end) return -1;
    if (reused === undefined) this.#next = at + bytes;
    this.live++;
    return at;
  }

  freePages(phys: number, order: number): void {
    const list = this.#free.get(order) ?? [];
    list.push(phys);
    this.#free.set(order, list);
    this.live--;
  }
}
