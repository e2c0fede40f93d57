import { PAGE_SIZE } from '@dmalab/phys-memory';

/** Bytes in a memory section: descriptors exist for whole sections (spec P4, P14). */
const SECTION_BYTES = 2 ** 27;

/** One range of System RAM; both ends inclusive, as /proc/iomem prints them. */
export interface RamRange {
  readonly start: number;
  readonly end: number;
}

/** What the DMA API asks of page descriptors (spec P13, P14). Physical addresses, not frame numbers. */
export interface PageView {
  /** A descriptor exists. This does not mean RAM (spec P15). */
  hasPage(phys: number): boolean;
  /** The descriptor is marked reserved: firmware, holes inside a section, device memory. */
  isReserved(phys: number): boolean;
  /** Device memory that a driver registered, peer-to-peer memory for one (spec P57). */
  isZoneDevice(phys: number): boolean;
  isHighMemory(phys: number): boolean;
}

/** The view of a machine without device memory or high memory: whole sections around its RAM have descriptors. */
export class RamPageView implements PageView {
  readonly #ram: readonly RamRange[];

  constructor(ram: readonly RamRange[]) {
    this.#ram = ram;
  }

  hasPage(phys: number): boolean {
    const section = Math.floor(phys / SECTION_BYTES);
    return this.#ram.some(
      ({ start, end }) => section >= Math.floor(start / SECTION_BYTES) && section <= Math.floor(end / SECTION_BYTES),
    );
  }

  isReserved(phys: number): boolean {
    const page = phys - (phys % PAGE_SIZE);
    return !this.#ram.some(({ start, end }) => start <= page && page + PAGE_SIZE - 1 <= end);
  }

  isZoneDevice(): boolean {
    return false;
  }

  isHighMemory(): boolean {
    return false;
  }
}
