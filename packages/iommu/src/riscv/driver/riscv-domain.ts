import { TaggedDomain } from '../../core/unit/tagged-domain.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';

/** A RISC-V paging domain: one first-stage page table, known to its unit by a PSCID (spec H93). */
export class RiscvDomain extends TaggedDomain {
  readonly pscid: number;
  readonly #destroyed: () => void;

  /** @param destroyed gives the PSCID back */
  constructor(
    memory: WritableTables,
    format: PageTableFormat,
    pages: TablePages,
    { root, pscid, destroyed }: { readonly root: number; readonly pscid: number; readonly destroyed: () => void },
  ) {
    super(memory, format, pages, root);
    this.pscid = pscid;
    this.#destroyed = destroyed;
  }

  override destroy(): void {
    super.destroy();
    this.#destroyed();
  }
}
