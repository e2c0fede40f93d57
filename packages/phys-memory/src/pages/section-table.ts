import { PAGE_SHIFT } from '../address.ts';
import type { PageRange } from '../map/address-map.ts';

/** Pages in a memory section of 128 MiB, and in a subsection of 2 MiB (spec P4). */
export const SECTION_PAGES = 32768;
export const SUBSECTION_PAGES = 512;
const SUBSECTIONS = SECTION_PAGES / SUBSECTION_PAGES;

interface Section {
  /** Present at boot: then all of it has descriptors, holes included. */
  readonly isEarly: boolean;
  readonly subsections: Uint8Array;
}

/** Which page frames have a descriptor (spec P14). */
export class SectionTable {
  readonly #sections = new Map<number, Section>();
  readonly #pfnLimit: number;

  /**
   * @param ram what was present at boot
   * @param addressBits 46, or 52 with five-level paging (spec P4)
   */
  constructor(ram: readonly PageRange[], addressBits = 46) {
    this.#pfnLimit = 2 ** (addressBits - PAGE_SHIFT);
    for (const { first, last } of ram) this.#present(first, last, true);
  }

  /** `pfn_valid`: says that there is a descriptor, not that there is RAM (spec P15). */
  pfnValid(pfn: number): boolean {
    if (!(pfn >= 0 && pfn < this.#pfnLimit)) return false;
    const section = this.#sections.get(Math.floor(pfn / SECTION_PAGES));
    if (section === undefined) return false;
    return section.isEarly || section.subsections[Math.floor(pfn / SUBSECTION_PAGES) % SUBSECTIONS] === 1;
  }

  /** Whether memory is present in the 2 MiB around the page: an early section also has descriptors where none is. */
  isPopulated(pfn: number): boolean {
    if (!this.pfnValid(pfn)) return false;
    const section = this.#sections.get(Math.floor(pfn / SECTION_PAGES));
    return section?.subsections[Math.floor(pfn / SUBSECTION_PAGES) % SUBSECTIONS] === 1;
  }

  /** Pages added after boot (hotplug, device memory): their subsections get descriptors. */
  add(first: number, last: number): void {
    this.#present(first, last, false);
  }

  /** Takes back what {@link add} gave; sections present at boot stay whole. */
  remove(first: number, last: number): void {
    for (let pfn = first; pfn <= last; pfn += SUBSECTION_PAGES) {
      const section = this.#sections.get(Math.floor(pfn / SECTION_PAGES));
      if (section !== undefined) section.subsections[Math.floor(pfn / SUBSECTION_PAGES) % SUBSECTIONS] = 0;
    }
  }

  #present(first: number, last: number, isEarly: boolean): void {
    const lastSubsection = Math.floor(last / SUBSECTION_PAGES);
    for (let subsection = Math.floor(first / SUBSECTION_PAGES); subsection <= lastSubsection; subsection++) {
      const number = Math.floor(subsection / SUBSECTIONS);
      let section = this.#sections.get(number);
      if (section === undefined) {
        section = { isEarly, subsections: new Uint8Array(SUBSECTIONS) };
        this.#sections.set(number, section);
      }
      section.subsections[subsection % SUBSECTIONS] = 1;
    }
  }
}
