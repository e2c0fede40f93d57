import type { FuzzCase, FuzzRequest, TableWord } from './fuzz-case.ts';
import type { FuzzLayout } from './fuzz-layout.ts';
import { Random } from './random.ts';

const WINDOW = 512;
const REQUESTS = 4;
const STE_BYTES = 64;
const STREAMS = 256;
const CD_BYTES = 64;
const CONFIG_STAGE_1 = 5;
/** Descriptor bits (spec H64). */
const TABLE = 3;
const PAGE = 3;
const BLOCK = 1;
const INVALID = 2;
const EL0 = 1 << 6;
const READ_ONLY = 1 << 7;
const ACCESSED = 1 << 10;
/** Upper half of a table descriptor: everything below is read-only. */
const AP_TABLE_READ_ONLY = 0x4000_0000;
/** Upper halves of a context descriptor's first quadword, without address size: AA64, R, A, ASET. */
const CD_HIGH = (1 << 9) | (1 << 13) | (1 << 14) | (1 << 15);
/** V and EPD1. */
const CD_LOW = 0xc000_0000;

/** Granules by TG0: address bits of a page, and the levels at which a block may be. */
const GRANULES = [
  { tg: 0, bits: 12, blockLevels: [1, 2] },
  { tg: 2, bits: 14, blockLevels: [2] },
  { tg: 1, bits: 16, blockLevels: [2] },
] as const;
type Granule = (typeof GRANULES)[number];

/** What the unit that the cases are for can do. */
export interface SmmuTraits {
  readonly sourceId: number;
  /** IDR5.OAS as it stands in a descriptor. */
  readonly outputSize: number;
  /** Addresses from there on are too wide for it. */
  readonly outputBits: number;
}

/**
 * Stream table entries, context descriptors and stage 1 tables of every granule, mostly right, with everything that may be
 * wrong strewn in. Tables grow along the ways of the requests.
 */
export class SmmuCases {
  readonly #layout: FuzzLayout;
  readonly #traits: SmmuTraits;
  #random = new Random(0);
  #words = new Map<number, TableWord>();
  #next = 0;

  constructor(layout: FuzzLayout, traits: SmmuTraits) {
    this.#layout = layout;
    this.#traits = traits;
  }

  /** Physical address of the linear stream table of 256 entries, the same in every case. */
  get streamTable(): number {
    return this.#layout.tables;
  }

  make(seed: number): FuzzCase {
    const random = new Random(seed);
    this.#random = random;
    this.#words = new Map();
    this.#next = this.#layout.tables + STREAMS * STE_BYTES;
    const context = this.#table(CD_BYTES * 64);
    this.#streamEntry(context);
    const granule = random.pick(GRANULES);
    const size = random.oneIn(40) ? random.pick([15, 40]) : random.pick([16, 20, 25, 25, 25, 28, 32]);
    const inputBits = 64 - Math.min(Math.max(size, 16), 39);
    const root = this.#table(1 << granule.bits);
    this.#contextDescriptor(context, root, granule, size);
    const requests = Array.from({ length: REQUESTS }, () => this.#request(inputBits));
    const judged = requests.map((request) => this.#judge(request, root, granule, inputBits));
    return { seed, words: [...this.#words.values()], requests: judged };
  }

  #streamEntry(context: number): void {
    const random = this.#random;
    const valid = random.oneIn(50) ? 0 : 1;
    const config = random.oneIn(30) ? random.pick([0, 4]) : CONFIG_STAGE_1;
    const at = this.streamTable + this.#traits.sourceId * STE_BYTES;
    this.#put(at, context + valid + (config << 1), 0);
    this.#put(at + 8, 0xd4, 0);
  }

  #contextDescriptor(at: number, root: number, { tg }: Granule, size: number): void {
    const random = this.#random;
    const granule = random.oneIn(60) ? 3 : tg;
    const flip = random.oneIn(12) ? random.pick([0x8000_0000, 1 << 14]) : 0;
    const flipHigh = random.oneIn(12) ? random.pick([1 << 9, 1 << 13, 1 << 14, 1 << 12]) : 0;
    const low = (CD_LOW ^ flip) + size + granule * 64;
    const high = ((CD_HIGH ^ flipHigh) + this.#traits.outputSize + (1 + random.below(200)) * 65536) >>> 0;
    this.#put(at, low >>> 0, high);
    this.#put(at + 8, root, 0);
    this.#put(at + 24, 0xf404ff44, 0);
  }

  /** Few upper bits, so that requests share tables; the lower ones lead to the data even through the largest block. */
  #request(inputBits: number): FuzzRequest {
    const random = this.#random;
    const { data, dataBytes } = this.#layout;
    const offset = (data % 2 ** 29) + random.below(dataBytes / 65536) * 65536 + random.below(8) * 8192;
    let iova = offset + random.below(4096 / WINDOW) * WINDOW;
    if (inputBits > 30) iova += random.below(Math.min(4, 2 ** (inputBits - 30))) * 2 ** 30;
    if (inputBits > 40 && random.oneIn(2)) iova += 2 ** (inputBits - 1);
    if (random.oneIn(40)) iova += 2 ** inputBits;
    return { iova, isWrite: random.oneIn(2) };
  }

  /** Makes the entries that its walk reads, where there are none yet, and says where it leads. */
  #judge(request: FuzzRequest, root: number, granule: Granule, inputBits: number): FuzzRequest {
    if (request.iova >= 2 ** inputBits) return { ...request, peculiarity: 'outside' };
    const stride = granule.bits - 3;
    let table = root;
    let judged = request;
    for (let level = 4 - Math.floor((inputBits - 4) / stride); level <= 3; level++) {
      const shift = granule.bits + (3 - level) * stride;
      const index = Math.floor(request.iova / 2 ** shift) % (table === root ? 2 ** (inputBits - shift) : 2 ** stride);
      const at = table + 8 * index;
      const { low, high } = this.#words.get(at) ?? this.#descriptor(at, level, shift, granule);
      const type = low & 3;
      if (type === BLOCK && !mayBlock(granule, level)) return { ...request, peculiarity: 'misplaced block' };
      if (type !== TABLE) return judged;
      if (level < 3 && high === AP_TABLE_READ_ONLY) judged = { ...request, peculiarity: 'read-only table' };
      table = low - (low % 2 ** granule.bits);
    }
    return judged;
  }

  /** Writes one, and the table that it leads to. */
  #descriptor(at: number, level: number, shift: number, granule: Granule): TableWord {
    const random = this.#random;
    if (random.oneIn(12)) return this.#put(at, random.oneIn(2) ? 0 : this.#layout.data + INVALID, 0);
    if (level === 3) return this.#leaf(at, random.oneIn(20) ? BLOCK : PAGE, shift);
    if (random.oneIn(mayBlock(granule, level) ? 4 : 40)) return this.#leaf(at, BLOCK, shift);
    return this.#put(at, this.#table(1 << granule.bits) + TABLE, random.oneIn(20) ? AP_TABLE_READ_ONLY : 0);
  }

  #leaf(at: number, type: number, shift: number): TableWord {
    const random = this.#random;
    const { data, dataBytes } = this.#layout;
    const size = 2 ** shift;
    const target = size >= dataBytes ? data - (data % size) : data + random.below(dataBytes / size) * size;
    const readOnly = random.oneIn(5) ? READ_ONLY : 0;
    const accessed = random.oneIn(15) ? 0 : ACCESSED;
    const unprivileged = random.oneIn(20) ? 0 : EL0;
    const tooWide = random.oneIn(40) ? 2 ** (this.#traits.outputBits - 32) : 0;
    return this.#put(at, target + type + readOnly + accessed + unprivileged + (3 << 8) + (1 << 2), tooWide % 2 ** 16);
  }

  #table(lengthBytes: number): number {
    const at = Math.ceil(this.#next / lengthBytes) * lengthBytes;
    this.#next = at + lengthBytes;
    const { tables, tablePages } = this.#layout;
    if (this.#next > tables + tablePages * 4096)
      throw new RangeError(`a case needs more than ${tablePages} table pages`);
    return at;
  }

  #put(at: number, low: number, high: number): TableWord {
    const word = { at, low: low >>> 0, high: high >>> 0 };
    this.#words.set(at, word);
    return word;
  }
}

function mayBlock({ blockLevels }: Granule, level: number): boolean {
  return blockLevels.some((blockLevel) => blockLevel === level);
}
