const ENTRIES = 64;
const PAGE_BYTES = 4096;

/** Rights of a cached page, as translation completions give them (spec H11). */
export const MAY_READ = 1;
export const MAY_WRITE = 2;

/**
 * A device's own cache of ATS translations (spec T10, H11): direct mapped, 4 KiB pages. What it holds stays usable until
 * it is invalidated, whatever the IOMMU's tables say meanwhile.
 */
export class TranslationCache {
  readonly #pages = new Float64Array(ENTRIES).fill(-1);
  readonly #frames = new Float64Array(ENTRIES);
  readonly #rights = new Uint8Array(ENTRIES);

  /** Physical address of that byte, or -1 when the page or the right is not cached. */
  lookup(address: number, right: number): number {
    const offset = address % PAGE_BYTES;
    const page = address - offset;
    const slot = (page / PAGE_BYTES) % ENTRIES;
    return this.#pages[slot] === page && (this.#rights[slot] & right) !== 0 ? this.#frames[slot] + offset : -1;
  }

  insert(page: number, phys: number, rights: number): void {
    const slot = (page / PAGE_BYTES) % ENTRIES;
    this.#pages[slot] = page;
    this.#frames[slot] = phys;
    this.#rights[slot] = rights;
  }

  /**
   * A device-TLB invalidation (spec H13): drops what overlaps the range; the device has no PASIDs, so that none is spared.
   * @returns true: this device always answers in time
   */
  invalidate(_pasid: number, address: number, lengthBytes: number): boolean {
    for (let slot = 0; slot < ENTRIES; slot++) {
      const page = this.#pages[slot];
      if (page + PAGE_BYTES > address && page < address + lengthBytes) this.#pages[slot] = -1;
    }
    return true;
  }
}
