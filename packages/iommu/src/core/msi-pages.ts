import type { DmaDomain } from './dma-domain.ts';
import type { IommuDevice } from './iommu-device.ts';
import { IOMMU_MMIO, IOMMU_NOEXEC, IOMMU_WRITE } from './paging-domain.ts';
import { RegionKind, type ReservedRegion } from './regions/reserved-region.ts';

const ENOMEM = -12;

/**
 * Doorbell pages of interrupt messages that a domain maps for its devices, where the IOMMU translates them (SMMU, RISC-V;
 * spec I141). A page is mapped once and kept for the domain's life.
 */
export class MsiPages {
  readonly #domain: DmaDomain;
  /** IO virtual address by physical page. */
  readonly #pages = new Map<number, number>();

  constructor(domain: DmaDomain) {
    this.#domain = domain;
  }

  /** A hardware window translates to itself: found later without allocating (spec I9). */
  addHardwareWindow({ kind, start, last }: ReservedRegion): void {
    if (kind !== RegionKind.MSI) return;
    const { granule } = this.#domain;
    for (let page = start - (start % granule); page <= last; page += granule) this.#pages.set(page, page);
  }

  /** The address that the device must write to instead of `doorbell`, or a negative errno. `mask`: its streaming mask. */
  resolve(device: IommuDevice, doorbell: number, mask: number): number {
    const { granule } = this.#domain;
    const offset = doorbell % granule;
    const known = this.#pages.get(doorbell - offset);
    if (known !== undefined) return known + offset;
    const iova = this.#domain.allocIova(device, granule, mask);
    if (iova === 0) return ENOMEM;
    const error = this.#domain.linkRange(iova, doorbell - offset, granule, IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO);
    if (error !== 0) {
      this.#domain.freeIova(iova, granule);
      return error;
    }
    this.#domain.syncRange(iova, granule);
    this.#pages.set(doorbell - offset, iova);
    return iova + offset;
  }
}

/** Addresses for a domain that has no allocator, only a window for interrupt messages: a pointer that goes up (spec I36). */
export class MsiCookie {
  #next: number;

  constructor(base: number) {
    this.#next = base;
  }

  alloc(bytes: number): number {
    const iova = this.#next;
    this.#next += bytes;
    return iova;
  }

  /** Only the latest allocation is ever freed. */
  free(bytes: number): void {
    this.#next -= bytes;
  }
}
