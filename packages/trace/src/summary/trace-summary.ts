/** How often something happened. */
export interface NamedCount {
  readonly name: string;
  readonly count: number;
}

/** What the trace says about one device's DMA. Two-step mappings leave no DMA event, and count under `iommu` only (spec I161). */
export interface DeviceSummary {
  readonly device: string;
  /** Events that name the device, most frequent first. */
  readonly events: readonly NamedCount[];
  /** dma_map_phys and dma_map_sg that succeeded; a scatterlist counts once. */
  readonly maps: number;
  readonly unmaps: number;
  /** dma_map_phys with the all-ones address, and dma_map_sg_err. */
  readonly failedMaps: number;
  /** Bytes of the maps that succeeded. */
  readonly bytesMapped: number;
  /** swiotlb_bounced events; also those whose search for slots failed (spec S97). */
  readonly bounces: number;
  readonly bytesBounced: number;
  /** Mapped in this trace and not unmapped: how many, and how many bytes. */
  readonly liveMappings: number;
  readonly liveBytes: number;
  /**
   * Maps of an address that was still mapped. A device that needs no unmap has many: its driver leaves unmaps out, and
   * then live mappings are no leak (spec T3). Behind an IOMMU or bounced there are none.
   */
  readonly remaps: number;
  /** Unmaps of what this trace did not map: mapped before it began, or a driver bug. */
  readonly strayUnmaps: number;
  /** dma_alloc, dma_alloc_pages and dma_alloc_sgt that were not freed. */
  readonly liveAllocations: number;
  readonly liveAllocatedBytes: number;
}

/** Page-table traffic; these events name no device (spec T34). */
export interface IommuSummary {
  readonly maps: number;
  readonly unmaps: number;
  readonly bytesMapped: number;
  readonly bytesUnmapped: number;
}

/** What a trace holds. Plain data, fit for JSON. */
export interface TraceSummary {
  readonly lines: number;
  readonly events: number;
  /** First and last moment in microseconds; null without events. */
  readonly firstMicros: number | null;
  readonly lastMicros: number | null;
  /** Events by name, most frequent first. */
  readonly eventsByName: readonly NamedCount[];
  /** Devices of DMA and SWIOTLB events, in order of appearance. */
  readonly devices: readonly DeviceSummary[];
  readonly iommu: IommuSummary;
  /** Events of names that have no format here. */
  readonly unknownEvents: readonly NamedCount[];
  /** Lines that are no event and no comment. */
  readonly notUnderstood: number;
  /** Events that the kernel dropped: `[LOST n EVENTS]` lines. */
  readonly lostEvents: number;
  /** Events that the kernel's buffer had already overwritten when the file was read, by the header; 0 without one. */
  readonly overwrittenEvents: number;
  /** Events that the header announces and the file lacks: it was cut. 0 without a header. */
  readonly missingEvents: number;
  readonly endsWithNewline: boolean;
}
