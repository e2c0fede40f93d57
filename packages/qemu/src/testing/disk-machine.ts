import type { IommuUnitDriver, TablePages } from '@dmalab/iommu';
import type { PciHost } from '@dmalab/pci-p2p';
import type { PhysMemory } from '@dmalab/phys-memory';
import type { PageStock } from '../machine/page-stock.ts';

/** Bytes of the one namespace. */
export const DISK_BYTES = 2 ** 24;

/** A machine with one NVMe disk, not yet probed: in this process, or somebody else's. */
export interface DiskMachine {
  readonly memory: PhysMemory;
  readonly ram: readonly { readonly start: number; readonly end: number }[];
  readonly pages: PageStock & TablePages;
  readonly host: PciHost;
  /** Enabled; null on a bare bus. */
  readonly iommu: IommuUnitDriver | null;
  /** Number of the disk's function. */
  readonly rid: number;
  /** Page of RAM that message interrupts go to, which needs a mapping behind an IOMMU; -1 where they go elsewhere. */
  readonly messagePage: number;
  /** Lets devices work. */
  advance(nanoseconds: number): void;
  close(): void;
}
