import type { DmaDomain } from '@dmalab/iommu/core';
import type { Swiotlb } from '@dmalab/swiotlb';
import type { DmaMapOps } from '../platform/dma-map-ops.ts';
import type { DmaRange } from './range-map.ts';

/** Limits that a driver announces for its scatterlists and bounce buffers (spec D5); 0 means "use the default". */
export interface DmaParms {
  readonly maxSegmentSize: number;
  readonly minAlignMask: number;
  readonly segmentBoundaryMask: number;
}

/** What a PCI device starts with at discovery (spec D5). */
export const PCI_DMA_PARMS: DmaParms = { maxSegmentSize: 65536, minAlignMask: 0, segmentBoundaryMask: 0xffffffff };

export interface DeviceOptions {
  /** Bound driver; null (the default) for none. */
  readonly driver?: string | null;
  /** `pci` (the default), `platform`: what log lines name while no driver is bound, and whether I38 applies. */
  readonly bus?: string;
  /** Streaming mask; `null` leaves the mask pointer null. Default 2^32 - 1, as for a PCI device at discovery. */
  readonly dmaMask?: number | null;
  readonly coherentDmaMask?: number;
  readonly busDmaLimit?: number;
  readonly dmaRangeMap?: readonly DmaRange[] | null;
  readonly dmaParms?: DmaParms | null;
  /** Snoops CPU caches; counts only where the arch has cache maintenance (spec D5). */
  readonly dmaCoherent?: boolean;
  readonly dmaOpsBypass?: boolean;
  readonly dmaOps?: DmaMapOps | null;
  /** A bounce allocator of its own; default the machine's. */
  readonly ioTlbMem?: Swiotlb | null;
  /** Binds the device to a translating domain, which sets its `dma_iommu` flag. */
  readonly iommu?: DmaDomain | null;
  /** Behind an external-facing port (spec D19). */
  readonly untrusted?: boolean;
  /** Reaches only shared memory, as every device of a confidential guest (spec D49). */
  readonly needsUnencrypted?: boolean;
  /** NUMA node, -1 where firmware doesn't say. */
  readonly node?: number;
}
