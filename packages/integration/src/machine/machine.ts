import type { NvmeDriver, NvmeIod, RequestQueue } from '@dmalab/blk-nvme';
import type { Media, NvmeController } from '@dmalab/blk-nvme/controller';
import type { Device, DmaContext } from '@dmalab/dma-api';
import type { DmaDomain, KernelContext, UnitDomain } from '@dmalab/iommu';
import type { P2pdma, PciDevice, PciFabric, PciFunction } from '@dmalab/pci-p2p';
import type { ByteAccess, PageAllocator, PhysMemory } from '@dmalab/phys-memory';
import type { Swiotlb } from '@dmalab/swiotlb';
import type { TraceRing } from '@dmalab/trace';
import type { MachineDescription } from './machine-description.ts';
import type { IommuPart } from './parts/iommu-part.ts';
import type { PeerPart } from './parts/peer-part.ts';

/** An NVMe disk of a machine: the function in its slot, the model behind it, and the device as the kernel knows it. */
export interface NvmePart {
  readonly pciFunction: PciFunction;
  readonly controller: NvmeController;
  /** What the driver has of it: registers, config space, interrupts. */
  readonly backing: PciDevice;
  /** What the DMA API has of it. */
  readonly device: Device;
  /** The domain that its mappings live in; null where no IOMMU translates for it. */
  readonly domain: DmaDomain | null;
  /** That domain's page tables. */
  readonly paging: UnitDomain | null;
}

/** A machine that is up: every part reachable, nothing mapped yet. */
export interface Machine {
  readonly description: MachineDescription;
  readonly memory: PhysMemory;
  /** Memory as programs see it: through their CPU's cache where devices don't look into it. */
  readonly cpu: ByteAccess;
  readonly pages: PageAllocator;
  readonly kernel: KernelContext;
  readonly ring: TraceRing;
  readonly swiotlb: Swiotlb | null;
  readonly iommu: IommuPart | null;
  readonly fabric: PciFabric;
  readonly dma: DmaContext;
  readonly p2p: P2pdma;
  /** The first disk: the one that workloads run on. */
  readonly nvme: NvmePart;
  /** All disks, in the order of the description. */
  readonly disks: readonly NvmePart[];
  /** Devices that offer memory, likewise. */
  readonly peers: readonly PeerPart[];
}

/** A machine whose disk is ready for I/O. */
export interface RunningMachine extends Machine {
  /** The first disk's driver. */
  readonly driver: NvmeDriver;
  /** Each disk's driver. */
  readonly drivers: readonly NvmeDriver[];
  readonly disk: {
    /** Where bios go. */
    readonly queue: Pick<RequestQueue<NvmeIod>, 'submitBio'>;
    /** What the controller keeps its bytes in: for laying data out beside the driver. */
    readonly media: Media;
  };
  /** Lets time pass: the device works, completions are taken, timers that became due run. */
  advance(nanoseconds: number): void;
  /** Unbinds all drivers, takes the disks out of their domains and waits until deferred work has run. */
  remove(): void;
}
