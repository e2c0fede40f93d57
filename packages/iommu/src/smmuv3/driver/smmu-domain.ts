import { TaggedDomain } from '../../core/unit/tagged-domain.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';

/** Which stage a domain's tables are for (spec H65, H70). */
export type SmmuStage = 1 | 2;

/** An SMMUv3 paging domain. */
export class SmmuDomain extends TaggedDomain {
  readonly stage: SmmuStage;
  readonly granuleShift: number;
  /** Width of the addresses that the tables translate. */
  readonly inputBits: number;

  constructor(
    memory: WritableTables,
    format: PageTableFormat,
    pages: TablePages,
    root: number,
    shape: { readonly stage: SmmuStage; readonly inputBits: number },
  ) {
    super(memory, format, pages, root);
    this.stage = shape.stage;
    this.inputBits = shape.inputBits;
    this.granuleShift = format.granuleShift;
  }
}
