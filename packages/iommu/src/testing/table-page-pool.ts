import type { TablePages } from '../page-table/table-memory.ts';

/** Table pages for tests: ascending from a base, freed ones reused last in first out, so that leaks and reuse show. */
export class TablePagePool implements TablePages {
  readonly #free: number[] = [];
  /** Freed tables of more than a page, by length. */
  readonly #freeTables = new Map<number, number[]>();
  readonly #limit: number;
  #next: number;
  /** Pages handed out and not given back. */
  inUse = 0;

  constructor(base = 0x1000000, pages = 4096) {
    this.#next = base;
    this.#limit = base + pages * 4096;
  }

  allocTablePage(): number {
    const page = this.#free.pop() ?? (this.#next < this.#limit ? this.#next : -1);
    if (page < 0) return -1;
    if (page === this.#next) this.#next += 4096;
    this.inUse++;
    return page;
  }

  freeTablePage(phys: number): void {
    this.#free.push(phys);
    this.inUse--;
  }

  /** Larger tables come from fresh pages, aligned to their size; the pages before them join the free ones. */
  allocTable(lengthBytes: number): number {
    const known = this.#freeTables.get(lengthBytes)?.pop();
    if (known === undefined && Math.ceil(this.#next / lengthBytes) * lengthBytes + lengthBytes > this.#limit) return -1;
    this.inUse += lengthBytes / 4096;
    if (known !== undefined) return known;
    for (; this.#next % lengthBytes !== 0; this.#next += 4096) this.#free.push(this.#next);
    const table = this.#next;
    this.#next += lengthBytes;
    return table;
  }

  freeTable(phys: number, lengthBytes: number): void {
    this.#freeTables.set(lengthBytes, [...(this.#freeTables.get(lengthBytes) ?? []), phys]);
    this.inUse -= lengthBytes / 4096;
  }
}
