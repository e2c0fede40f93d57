import type { TablePages } from '../page-table/table-memory.ts';

/** Table pages for tests: ascending from a base, freed ones reused last in first out, so that leaks and reuse show. */
export class TablePagePool implements TablePages {
  readonly #free: number[] = [];
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
}
