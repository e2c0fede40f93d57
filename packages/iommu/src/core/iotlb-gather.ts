/** What one unmap collects until its invalidation (spec I162). Reused: `reset()` before each unmap. */
export class IotlbGather {
  /** First byte gathered; above `end` while nothing is. */
  start = Number.MAX_SAFE_INTEGER;
  /** Last byte gathered, inclusive. */
  end = 0;
  /** Page size of what was gathered, 0 while unknown. */
  pageSize = 0;
  /** The range waits in a flush queue: the driver adds nothing and never syncs (spec I109). */
  queued = false;
  /** Physical addresses of table pages that this unmap unlinked; freed after the invalidation (spec I108). */
  tablePages = new Float64Array(8);
  tablePageCount = 0;

  reset(queued: boolean): void {
    this.start = Number.MAX_SAFE_INTEGER;
    this.end = 0;
    this.pageSize = 0;
    this.queued = queued;
    this.tablePageCount = 0;
  }

  /** Widens the range; both ends inclusive. */
  addRange(start: number, end: number): void {
    if (start < this.start) this.start = start;
    if (end > this.end) this.end = end;
  }

  addTablePage(phys: number): void {
    if (this.tablePageCount === this.tablePages.length) {
      const grown = new Float64Array(this.tablePages.length * 2);
      grown.set(this.tablePages);
      this.tablePages = grown;
    }
    this.tablePages[this.tablePageCount++] = phys;
  }
}
