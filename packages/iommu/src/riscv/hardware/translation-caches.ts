import { TranslationArray } from '../../hardware/translation-array.ts';
import { AddressSpaces } from './address-spaces.ts';

const SUPERPAGE_ENTRIES = 64;
const TABLE_ENTRIES = 256;

/**
 * The IOTLB of a unit, and the level 1 tables that it remembers on the way to 4 KiB pages: stale until invalidated (spec
 * H4). Pages of 512 GiB and more aren't cached.
 */
export class TranslationCaches {
  readonly spaces: AddressSpaces;
  /** 4 KiB pages. */
  readonly pages: TranslationArray;
  /** Level 1 tables, by the 2 MiB that they map. */
  readonly tables = new TranslationArray(21, TABLE_ENTRIES);
  readonly #pages64K = new TranslationArray(16, SUPERPAGE_ENTRIES);
  readonly #pages2M = new TranslationArray(21, SUPERPAGE_ENTRIES);
  readonly #pages1G = new TranslationArray(30, SUPERPAGE_ENTRIES);
  readonly #leaves: readonly TranslationArray[];

  /**
   * @param entries 4 KiB pages in the IOTLB: a power of two
   * @param forgetContexts drops whatever holds tags: called, after 2^31 flushes, before tags are used again
   */
  constructor(entries: number, forgetContexts: () => void) {
    this.pages = new TranslationArray(12, entries);
    this.#leaves = [this.pages, this.#pages64K, this.#pages2M, this.#pages1G];
    this.spaces = new AddressSpaces(() => {
      for (const array of [...this.#leaves, this.tables]) array.clear();
      forgetContexts();
    });
  }

  /** Physical address of that byte, or -1 for a miss or a missing right. */
  lookup(tag: number, address: number, right: number): number {
    for (let i = 0; i < this.#leaves.length; i++) {
      const array = this.#leaves[i];
      const slot = array.find(tag, address);
      if (slot < 0 || (array.rights[slot] & right) !== right) continue;
      return array.targets[slot] + (address & (2 ** array.pageShift - 1));
    }
    return -1;
  }

  insertPage(tag: number, address: number, pageShift: number, target: number, rights: number): void {
    if (pageShift === 12) this.pages.insert(tag, address, target, rights);
    else if (pageShift === 16) this.#pages64K.insert(tag, address, target, rights);
    else if (pageShift === 21) this.#pages2M.insert(tag, address, target, rights);
    else if (pageShift === 30) this.#pages1G.insert(tag, address, target, rights);
  }

  /** Drops what one address space has of a range; tables stay unless asked for (spec H100: NL). */
  dropRange(space: number, start: number, lengthBytes: number, withTables: boolean): void {
    const tag = this.spaces.tagOf(space);
    for (const array of this.#leaves) array.drop(tag, start, lengthBytes);
    if (withTables) this.tables.drop(tag, start, lengthBytes);
  }
}
