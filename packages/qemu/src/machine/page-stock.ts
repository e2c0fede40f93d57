const PAGE_BYTES = 4096;

/**
 * Hands out the free pages of a machine that has no operating system: to page tables, to the DMA API, to buffers. Blocks
 * come from the bottom up, and go to the next one who wants that size.
 */
export class PageStock {
  #next: number;
  readonly #end: number;
  readonly #returned = new Map<number, number[]>();
  /** Pages handed out and not given back. */
  inUse = 0;

  constructor(start: number, end: number) {
    this.#next = start;
    this.#end = end;
  }

  /** 2^order pages, aligned to their size: their address, or -1 when there are none. */
  allocPages(_gfp: number, order: number, _node = -1): number {
    const bytes = PAGE_BYTES * 2 ** order;
    const returned = this.#returned.get(order)?.pop();
    const at = returned ?? Math.ceil(this.#next / bytes) * bytes;
    if (at + bytes > this.#end) return -1;
    if (returned === undefined) this.#next = at + bytes;
    this.inUse += 2 ** order;
    return at;
  }

  freePages(phys: number, order: number): void {
    this.#returned.set(order, [...(this.#returned.get(order) ?? []), phys]);
    this.inUse -= 2 ** order;
  }

  allocTablePage(): number {
    return this.allocPages(0, 0);
  }

  freeTablePage(phys: number): void {
    this.freePages(phys, 0);
  }

  /** The same for what wants a table of more than a page, a power of two of bytes. */
  allocTable(lengthBytes: number): number {
    return this.allocPages(0, orderOf(lengthBytes));
  }

  freeTable(phys: number, lengthBytes: number): void {
    this.freePages(phys, orderOf(lengthBytes));
  }
}

function orderOf(lengthBytes: number): number {
  return Math.max(0, Math.log2(lengthBytes / PAGE_BYTES));
}
