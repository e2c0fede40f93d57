import type { FuzzCase, FuzzRequest, TableWord } from './fuzz-case.ts';
import type { FuzzLayout } from './fuzz-layout.ts';
import { Random } from './random.ts';

const PAGE = 4096;
const LARGE = 2 ** 21;
const WINDOW = 512;
const READ = 1;
const WRITE = 2;
const LEAF = 0x80;
const REQUESTS = 4;

/** What the unit that the cases are for can do. */
export interface VtdTraits {
  readonly sourceId: number;
  /** Levels of its tables, 3 or 4. */
  readonly levels: number;
  /** Bits from there on are reserved in entries. */
  readonly addressBits: number;
}

/**
 * Table sets for VT-d's legacy mode: mostly right, with absent, read-only, write-only, reserved, misaligned and misplaced
 * entries strewn in at every level, and requests that go where the tables are interesting.
 */
export class VtdCases {
  readonly #layout: FuzzLayout;
  readonly #traits: VtdTraits;
  #random = new Random(0);
  #words: TableWord[] = [];
  #nextTable = 0;

  constructor(layout: FuzzLayout, traits: VtdTraits) {
    this.#layout = layout;
    this.#traits = traits;
  }

  make(seed: number): FuzzCase {
    this.#random = new Random(seed);
    this.#words = [];
    this.#nextTable = 0;
    const root = this.#table();
    const context = this.#table();
    const top = this.#table();
    const { sourceId, levels } = this.#traits;
    this.#put(root + 16 * (sourceId >>> 8), this.#rootEntry(context));
    this.#contextEntry(context + 16 * (sourceId & 0xff), top);
    const third = levels === 4 ? this.#table() : top;
    if (levels === 4) this.#put(top, this.#pointer(third));
    this.#fillThird(third);
    const requests = Array.from({ length: REQUESTS }, () => this.#request());
    return { seed, words: this.#words, requests };
  }

  /** Physical address of the root table, which is the same in every case. */
  get root(): number {
    return this.#layout.tables;
  }

  #rootEntry(context: number): number {
    if (this.#random.oneIn(60)) return context; // not present
    return this.#strewn(context + 1, 1, 40);
  }

  #contextEntry(at: number, top: number): void {
    const random = this.#random;
    const present = random.oneIn(60) ? 0 : 1;
    const suppressed = random.oneIn(30) ? 2 : 0;
    const type = random.oneIn(25) ? random.below(4) << 2 : 0;
    this.#put(at, this.#strewn(top + present + suppressed + type, 4, 60));
    const width = random.oneIn(30) ? random.below(8) : this.#traits.levels - 2;
    this.#put(at + 8, width + (1 + random.below(200)) * 256);
  }

  /** Entry 0 leads to the completions, the others where chance says. */
  #fillThird(third: number): void {
    const random = this.#random;
    const second = this.#table();
    const first = this.#table();
    const { completions } = this.#layout;
    this.#put(third, second + READ + WRITE);
    this.#put(second, first + READ + WRITE);
    this.#put(first + 8 * ((completions / PAGE) % 512), completions + READ + WRITE);
    this.#fillSecond(second);
    for (const index of [1, 2, 3]) {
      const kind = random.below(8);
      if (kind === 0) continue;
      if (kind === 1) this.#put(third + 8 * index, this.#leaf(0, 2 ** 30));
      else {
        const table = this.#table();
        this.#put(third + 8 * index, this.#pointer(table));
        this.#fillSecond(table);
      }
    }
  }

  #fillSecond(second: number): void {
    for (const index of this.#largeIndices()) {
      const kind = this.#random.below(8);
      if (kind === 0) continue;
      if (kind <= 2) this.#put(second + 8 * index, this.#leaf(this.#dataPage(LARGE), LARGE));
      else {
        const table = this.#table();
        this.#put(second + 8 * index, this.#pointer(table));
        for (let page = 0; page < 4; page++)
          if (!this.#random.oneIn(8))
            this.#put(table + 8 * this.#pageIndex(page), this.#leaf(this.#dataPage(PAGE), PAGE));
      }
    }
  }

  #leaf(phys: number, size: number): number {
    const random = this.#random;
    let entry = phys + this.#rights() + (size > PAGE ? LEAF : 0);
    if (size > PAGE && random.oneIn(12)) entry += PAGE * (1 + random.below(3)); // misaligned: reserved bits
    if (size === PAGE && random.oneIn(40)) entry += LEAF; // no meaning at the last level
    if (random.oneIn(40)) return 0xfee0_0000 + this.#rights() + (size > PAGE ? LEAF : 0);
    return this.#strewn(entry, 1, 40);
  }

  #pointer(table: number): number {
    return this.#strewn(table + this.#rights(), 1, 30);
  }

  #rights(): number {
    return this.#random.oneIn(5) ? this.#random.below(4) : READ + WRITE;
  }

  /** Once in `rarity`, sets one bit that is reserved or past the address width, from bit `lowest` of the upper half on. */
  #strewn(entry: number, lowest: number, rarity: number): number {
    const random = this.#random;
    if (!random.oneIn(rarity)) return entry;
    const { addressBits } = this.#traits;
    return entry + 2 ** (addressBits + random.below(52 - addressBits)) + (lowest > 3 && random.oneIn(2) ? 16 : 0);
  }

  #request(): FuzzRequest {
    const random = this.#random;
    const third = random.below(4);
    const second = random.pick(this.#largeIndices());
    const first = this.#pageIndex(random.below(5));
    let iova = third * 2 ** 30 + second * LARGE + first * PAGE + random.below(PAGE / WINDOW) * WINDOW;
    if (random.oneIn(40)) iova += 2 ** (30 + 9 * (this.#traits.levels - 2) + random.below(8)); // past the tables
    return { iova, isWrite: random.oneIn(2) };
  }

  /** Indices of a second-level table that lead to the data even through a page of 1 GiB. */
  #largeIndices(): readonly number[] {
    const { data, dataBytes } = this.#layout;
    return Array.from({ length: dataBytes / LARGE }, (_, i) => data / LARGE + i);
  }

  #pageIndex(which: number): number {
    return [0, 1, 255, 510, 511][which];
  }

  #dataPage(size: number): number {
    const { data, dataBytes } = this.#layout;
    return data + this.#random.below(dataBytes / size) * size;
  }

  #table(): number {
    const { tables, tablePages } = this.#layout;
    if (this.#nextTable === tablePages) throw new RangeError(`a case needs more than ${tablePages} table pages`);
    return tables + PAGE * this.#nextTable++;
  }

  /** Once in a while with bits that are software's own. */
  #put(at: number, entry: number): void {
    const software = this.#random.oneIn(30) ? (1 + this.#random.below(7)) << 20 : 0;
    const isTable = at >= this.#layout.tables + 2 * PAGE;
    this.#words.push({ at, low: entry >>> 0, high: Math.floor(entry / 2 ** 32) + (isTable ? software : 0) });
  }
}
