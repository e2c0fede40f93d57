import { AddressSpaces, NO_PASID } from './address-spaces.ts';
import { TranslationArray } from './translation-array.ts';

const SUPERPAGE_ENTRIES = 64;
const TABLE_ENTRIES = 256;

/**
 * The IOTLB and the paging-structure caches of a unit with domain ids, VT-d's or AMD's (spec H27): stale until invalidated, as on real units (spec H4).
 * Entries go only by invalidation or because another page needs their slot.
 */
export class TranslationCaches {
  readonly spaces: AddressSpaces;
  /** IOTLB, 4 KiB pages. */
  readonly pages: TranslationArray;
  readonly pages2M = new TranslationArray(21, SUPERPAGE_ENTRIES);
  readonly pages1G = new TranslationArray(30, SUPERPAGE_ENTRIES);
  /** Level 1 tables, by the 2 MiB that they map. */
  readonly tables1 = new TranslationArray(21, TABLE_ENTRIES);
  /** Level 2 tables, by the 1 GiB that they map. */
  readonly tables2 = new TranslationArray(30, TABLE_ENTRIES);

  /**
   * @param entries 4 KiB pages in the IOTLB: a power of two
   * @param forgetContexts drops whatever holds tags: called, after 2^31 flushes, before tags are used again
   */
  constructor(entries: number, forgetContexts: () => void) {
    this.spaces = new AddressSpaces(() => {
      this.#clear();
      forgetContexts();
    });
    this.pages = new TranslationArray(12, entries);
  }

  /** IOTLB lookup for pages of any size: physical address of that byte, or -1 for a miss or a missing right. */
  lookup(tag: number, address: number, right: number): number {
    let slot = this.pages.find(tag, address);
    if (slot >= 0 && (this.pages.rights[slot] & right) === right) return this.pages.targets[slot] + (address & 0xfff);
    slot = this.pages2M.find(tag, address);
    if (slot >= 0 && (this.pages2M.rights[slot] & right) === right)
      return this.pages2M.targets[slot] + (address & 0x1fffff);
    slot = this.pages1G.find(tag, address);
    if (slot >= 0 && (this.pages1G.rights[slot] & right) === right)
      return this.pages1G.targets[slot] + (address & 0x3fffffff);
    return -1;
  }

  /** Fault reason under which an absent page is cached, or 0 (spec H28, caching mode). */
  absenceOf(tag: number, address: number): number {
    const slot = this.pages.find(tag, address);
    return slot >= 0 && this.pages.rights[slot] === 0 ? this.pages.targets[slot] : 0;
  }

  /** An entry without rights, which no request hits; its target is the fault reason. */
  insertAbsence(tag: number, address: number, reason: number): void {
    this.pages.insert(tag, address, reason, 0);
  }

  insertPage(tag: number, address: number, pageShift: number, target: number, rights: number): void {
    if (pageShift === 12) this.pages.insert(tag, address, target, rights);
    else if (pageShift === 21) this.pages2M.insert(tag, address, target, rights);
    else this.pages1G.insert(tag, address, target, rights);
  }

  flushAll(): void {
    this.spaces.flushAll();
  }

  /** Domain-selective: everything of the domain id (spec H28 type 2, G = 2). */
  flushDomain(domainId: number): void {
    this.spaces.flushDomain(domainId);
  }

  /**
   * Page-selective: 2^order pages of the domain id, and in scalable mode every PASID-tagged entry of it (spec H28
   * type 2, G = 3). `leafOnly` spares the paging-structure caches.
   * @returns whether tags changed
   */
  flushPages(domainId: number, address: number, order: number, leafOnly: boolean): boolean {
    this.#dropRange(this.spaces.tagOf(domainId, NO_PASID), address, order, leafOnly);
    return this.spaces.flushPasids(domainId);
  }

  /** First-stage and nested entries of a PASID (spec H28 type 6, G = 2). */
  flushPasid(domainId: number, pasid: number): void {
    this.spaces.flushPasids(domainId, pasid);
  }

  /** 2^order pages of a PASID's first-stage and nested entries (spec H28 type 6, G = 3). */
  flushPasidPages(domainId: number, pasid: number, address: number, order: number, leafOnly: boolean): void {
    this.#dropRange(this.spaces.tagOf(domainId, pasid), address, order, leafOnly);
  }

  #dropRange(tag: number, address: number, order: number, leafOnly: boolean): void {
    if (tag === 0) return;
    const lengthBytes = order < 19 ? 4096 << order : 4096 * 2 ** order; // a power is a call
    const start = order === 0 ? address : address - (address % lengthBytes);
    this.pages.drop(tag, start, lengthBytes);
    this.pages2M.drop(tag, start, lengthBytes);
    this.pages1G.drop(tag, start, lengthBytes);
    if (leafOnly) return;
    this.tables1.drop(tag, start, lengthBytes);
    this.tables2.drop(tag, start, lengthBytes);
  }

  #clear(): void {
    for (const array of [this.pages, this.pages2M, this.pages1G, this.tables1, this.tables2]) array.clear();
  }
}
