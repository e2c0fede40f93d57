import { TaggedDomain } from '../../core/unit/tagged-domain.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';

/** Which kind of table a domain has (spec H26). */
export type VtdStage = 'first' | 'second';

/** A VT-d paging domain. */
export class VtdDomain extends TaggedDomain {
  readonly stage: VtdStage;

  constructor(memory: WritableTables, format: PageTableFormat, stage: VtdStage, pages: TablePages, root: number) {
    super(memory, format, pages, root);
    this.stage = stage;
  }
}
