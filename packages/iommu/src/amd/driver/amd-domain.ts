import { gatherAddPage } from '../../core/iommu-map.ts';
import { IotlbGather } from '../../core/iotlb-gather.ts';
import type { PageOperations } from '../../core/paging-domain.ts';
import { TaggedDomain } from '../../core/unit/tagged-domain.ts';
import type { PageTableFormat } from '../../page-table/page-table-format.ts';
import type { TablePages, WritableTables } from '../../page-table/table-memory.ts';

/** Which kind of table a domain has: `host` is version 1, `guest` version 2 behind a GCR3 table (spec H35, H38). */
export type AmdStage = 'host' | 'guest';

/** PASID of the guest table that requests without one go through (spec H38, GIOV). */
const PLAIN_PASID = 0;

/** What a domain tells its driver. */
export interface AmdDomainOwner {
  /** Its root is another one: its devices' entries have to say so (spec H34). */
  rootChanged(domain: AmdDomain): void;
  destroyed(domain: AmdDomain): void;
}

/** An AMD-Vi paging domain. The root of a host table grows as addresses ask for it (spec H34). */
export class AmdDomain extends TaggedDomain {
  readonly domainId: number;
  /** GCR3 table of a guest domain; -1 for a host one. */
  readonly gcr3: number;
  readonly #owner: AmdDomainOwner;
  readonly #operations: PageOperations;
  /** What one unmap clears, before it joins what was gathered. */
  readonly #cleared = new IotlbGather();
  #root: number;

  constructor(
    owner: AmdDomainOwner,
    memory: WritableTables,
    pages: TablePages,
    format: PageTableFormat,
    { domainId, root, gcr3 }: { readonly domainId: number; readonly root: number; readonly gcr3: number },
  ) {
    super(memory, format, pages, root);
    this.domainId = domainId;
    this.gcr3 = gcr3;
    this.#owner = owner;
    this.#root = root;
    const table = super.pageOperations;
    this.#operations = {
      mapPage: (iovaPfn, physPfn, prot) => {
        const result = table.mapPage(iovaPfn, physPfn, prot);
        if (this.root !== this.#root) this.#followRoot();
        return result;
      },
      unmapPage: (iovaPfn) => table.unmapPage(iovaPfn),
    };
  }

  get stage(): AmdStage {
    return this.gcr3 < 0 ? 'host' : 'guest';
  }

  /** PASID that its translations are tagged with; -1 for host tables. */
  get pasid(): number {
    return this.gcr3 < 0 ? -1 : PLAIN_PASID;
  }

  override get pageOperations(): PageOperations {
    return this.#operations;
  }

  override map(iova: number, phys: number, lengthBytes: number, prot: number): number {
    const result = super.map(iova, phys, lengthBytes, prot);
    if (this.root !== this.#root) this.#followRoot();
    return result;
  }

  /** With a cache of absent entries a range that doesn't touch what was gathered is preceded by a sync (spec I163). */
  override unmap(iova: number, lengthBytes: number, gather: IotlbGather): number {
    if (gather.queued || gather.end === 0 || !this.syncsMaps) return super.unmap(iova, lengthBytes, gather);
    const own = this.#cleared;
    own.reset(true);
    const cleared = super.unmap(iova, lengthBytes, own);
    if (cleared > 0) gatherAddPage(this, gather, iova, cleared);
    for (let i = 0; i < own.tablePageCount; i++) gather.addTablePage(own.tablePages[i]);
    return cleared;
  }

  override destroy(): void {
    super.destroy();
    this.#owner.destroyed(this);
  }

  #followRoot(): void {
    this.#root = this.root;
    this.#owner.rootChanged(this);
  }
}
