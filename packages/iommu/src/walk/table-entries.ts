import type { PageTableFormat } from '../page-table/page-table-format.ts';

/** Entries of a table of that level: the root may have more than the others, or fewer. */
export function entriesOf(format: PageTableFormat, level: number, rootLevel: number): number {
  return 2 ** (level === rootLevel ? format.rootIndexBits : format.granuleShift - 3);
}
