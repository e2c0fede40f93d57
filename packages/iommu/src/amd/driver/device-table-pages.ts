import { TablePagesExhaustedError } from '../../core/unit/table-pages-exhausted-error.ts';
import { giveTable, type TablePages, takeTable } from '../../page-table/table-memory.ts';

const PAGE_BYTES = 4096;

/**
 * Pages for a device table, in a row and aligned as a whole where the machine has larger blocks; else single pages that
 * happen to follow each other, as fresh ones do.
 * @throws {TablePagesExhaustedError}
 */
export function takeDeviceTable(pages: TablePages, count: number): number {
  if (pages.allocTable !== undefined) {
    const table = takeTable(pages, count * PAGE_BYTES);
    if (table >= 0) return table;
  }
  const taken: number[] = [];
  while (taken.length < count) {
    const page = pages.allocTablePage();
    if (page < 0 || (taken.length > 0 && page !== taken[0] + taken.length * PAGE_BYTES)) {
      if (page >= 0) taken.push(page);
      for (const other of taken) giveTable(pages, other, PAGE_BYTES);
      throw new TablePagesExhaustedError(`a device table: ${count} pages in a row`);
    }
    taken.push(page);
  }
  return taken[0];
}
