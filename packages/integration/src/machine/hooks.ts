import type { BusMasterPort, NvmeControllerOptions } from '@dmalab/blk-nvme/controller';
import type { DmaContext, DmaFront } from '@dmalab/dma-api';
import type { PagingDomain } from '@dmalab/iommu';
import type { BarHandler } from '@dmalab/pci-p2p';
import type { ByteAccess, CpuCache } from '@dmalab/phys-memory';
import type { Swiotlb, SwiotlbOptions } from '@dmalab/swiotlb';

/**
 * What may be put between the parts of a machine while it is built, to watch or to time them. A machine without hooks has
 * nothing in between. Where a machine has several disks, only the first, which workloads run on, is hooked.
 */
export interface MachineHooks {
  /** In front of the mapping calls. */
  front(front: DmaFront, context: () => DmaContext): DmaFront;
  /** Between the DMA API and page tables. */
  paging(domain: PagingDomain): PagingDomain;
  swiotlb(options: SwiotlbOptions): Swiotlb;
  cpuCache(memory: ByteAccess): CpuCache;
  /** Between a disk and its bus. */
  port(port: BusMasterPort): BusMasterPort;
  /** Between a disk's driver and its registers. */
  registers(handler: BarHandler): BarHandler;
  readonly controller: Pick<NvmeControllerOptions, 'timing' | 'shadowDoorbells'>;
  /** The disk's driver waits for it. */
  waited(nanoseconds: number): void;
}
