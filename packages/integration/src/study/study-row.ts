import type { DmaEra } from '@dmalab/dma-api';
import type { StudyTime } from './time-trial.ts';

/** Where teardown found what it needed to know of the memory behind a mapping, which nobody tells it (spec D21). */
export interface UnmapSources {
  /** The handle, turned back into a physical address. */
  readonly arithmetic: number;
  /** The IOMMU's page table, walked. */
  readonly pageTable: number;
  /** The bounce pool's slot table. */
  readonly slotTable: number;
  /** Nothing was looked up: the unmap was left out, or took down a two-step range by address and length. */
  readonly nothing: number;
}

/** What one workload cost on one machine with one mapping interface. */
export interface StudyRow {
  readonly machine: string;
  readonly era: DmaEra;
  /** Reads and writes that the workload asked for. */
  readonly ios: number;
  readonly bytesVerified: number;
  /** Calls of the mapping interface. Two-step mappings are not among them (spec D77); they show as IOMMU maps. */
  readonly maps: number;
  readonly unmaps: number;
  /** Maps whose unmap the driver left out because it would do nothing (spec D60). */
  readonly elidedUnmaps: number;
  /** Ranges that went into, and came out of, the IOMMU's page tables. */
  readonly iommuMaps: number;
  readonly iommuUnmaps: number;
  /** IO virtual ranges allocated, used and given back: one a map, and one a two-step request. */
  readonly iovaRanges: number;
  /** Requests that were mapped in two steps: one range for all their segments. */
  readonly twoStepRequests: number;
  /** Pages of 4 KiB entered into the tables or taken out of them. */
  readonly tablePages: number;
  /** Batches that the invalidation queue was handed. */
  readonly invalidations: number;
  readonly bouncedBytes: number;
  /** Requests of the device for which the IOMMU read its tables, and those that its caches answered. */
  readonly tableWalks: number;
  readonly iotlbHits: number;
  /** For both interfaces: the page-based one was told no more at unmap (spec G9). */
  readonly unmapSources: UnmapSources;
  /** Physical address to page descriptor, and back: what the page-based interface pays (spec G13). */
  readonly physToPage: number;
  readonly pageToPhys: number;
  readonly conversionsPerIo: number;
  /** The same with trace points on, which in the page-based interface convert once more (spec G1). */
  readonly conversionsPerIoTraced: number;
  readonly time: StudyTime;
}
