import type { DmaEra } from '@dmalab/dma-api';

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
  /** Ranges that went into, and came out of, the IOMMU's page tables. */
  readonly iommuMaps: number;
  readonly iommuUnmaps: number;
  readonly bouncedBytes: number;
  /** Requests of the device for which the IOMMU read its tables, and those that its caches answered. */
  readonly tableWalks: number;
  readonly iotlbHits: number;
  /** Physical address to page descriptor, and back: what the page-based interface pays (spec G13). */
  readonly physToPage: number;
  readonly pageToPhys: number;
  readonly conversionsPerIo: number;
  /** The same with trace points on, which in the page-based interface convert once more (spec G1). */
  readonly conversionsPerIoTraced: number;
}
