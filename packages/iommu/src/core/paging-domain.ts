import type { LeafTables } from '../page-table/leaf-tables.ts';
import type { IotlbGather } from './iotlb-gather.ts';

/** The device may read (spec I44). */
export const IOMMU_READ = 1;
/** The device may write. */
export const IOMMU_WRITE = 2;
/** Cacheable: the device snoops. */
export const IOMMU_CACHE = 4;
export const IOMMU_NOEXEC = 8;
/** Device memory behind the mapping. */
export const IOMMU_MMIO = 16;
export const IOMMU_PRIV = 32;

/**
 * 4 KiB pages by their numbers, for a domain that can do without the general calls: page numbers up to 2^31 (8 TiB) are
 * small integers, where addresses from 2 GiB on are doubles that every call boxes, 16 bytes of garbage each.
 */
export interface PageOperations {
  /** Maps one page like {@link PagingDomain.map}: 0, or a negative errno with nothing mapped. */
  mapPage(iovaPfn: number, physPfn: number, prot: number): number;
  /** Clears like {@link PagingDomain.unmap} and returns the bytes cleared; gathering their range is left to the caller. */
  unmapPage(iovaPfn: number): number;
}

/**
 * A paging domain as its IOMMU driver hands it to the core (spec I150 to I168): page tables in simulated memory and the
 * invalidations that go with them. All addresses and lengths are bytes, multiples of the smallest page size.
 */
export interface PagingDomain {
  /** Sum of the supported page sizes, each a power of two (spec I152). */
  readonly pageSizes: number;
  /** Last IOVA that a mapping may use (spec I152). */
  readonly apertureEnd: number;
  /** Bytes that the latest `map` put into the table, also when it failed (spec I154). */
  readonly mappedBytes: number;
  /** Same tables, shorter way; absent where every map and unmap has to pass through the domain itself. */
  readonly pageOperations?: PageOperations;
  /** Tables that may be written and cleared entry by entry; absent where the domain has to see each map and unmap. */
  readonly leafTables?: LeafTables;
  /** False while {@link iotlbSyncMap} would do nothing (spec I167). Absent: call it. */
  readonly syncsMaps?: boolean;
  /** 0, or a negative errno (spec I153); undoing a partial mapping is the caller's business (spec I154). */
  map(iova: number, phys: number, lengthBytes: number, prot: number): number;
  /** Clears leaves; returns the bytes cleared, which a large page can make more than asked (spec I156). */
  unmap(iova: number, lengthBytes: number, gather: IotlbGather): number;
  /** Physical address of that byte, or 0 where nothing is mapped (spec I159). */
  iovaToPhys(iova: number): number;
  /** After new mappings became visible (spec I167): 0 or a negative errno. */
  iotlbSyncMap(iova: number, lengthBytes: number): number;
  /** Invalidates what the gather collected, waits, then frees its table pages (spec I164 to I166). */
  iotlbSync(gather: IotlbGather): void;
  /** Invalidates everything of this domain and waits (spec I107). */
  flushIotlbAll(): void;
  /** Gives table pages (physical addresses) of an earlier unmap back, once their invalidation is done (spec I108). */
  freeTablePages(pages: Float64Array, count: number): void;
}
