import { ALLOWS_READ, ALLOWS_WRITE } from '../../hardware/translation-array.ts';
import type { TranslationRequest } from '../../hardware/translation-request.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { AmdEventCode, AmdEventFlag } from '../../spec/amd-events.ts';
import { AmdGcr3Entry } from '../../spec/amd-tables.ts';
import { get, getAddress, highMask, lowMask } from '../../spec/bits.ts';
import { FIRST_STAGE_LARGE_PAT, FirstStageEntry, levelShift } from '../../spec/vtd-paging.ts';
import type { DeviceEntry } from './device-entry.ts';
import { faultWord } from './fault-word.ts';

const PRESENT = lowMask(FirstStageEntry.P);
const WRITABLE = lowMask(FirstStageEntry.RW);
const USER = lowMask(FirstStageEntry.US);
const ACCESSED = lowMask(FirstStageEntry.A);
const DIRTY = lowMask(FirstStageEntry.D);
const LARGE = lowMask(FirstStageEntry.PS);
const LARGE_PAT = lowMask(FIRST_STAGE_LARGE_PAT);
const EXECUTE_DISABLE_HIGH = highMask(FirstStageEntry.XD);
/** Bits of a PASID that one level of a GCR3 table takes (spec H38). */
const GCR3_INDEX_BITS = 9;
const { GN, PR, PE, RZ, US } = AmdEventFlag;
const pageFault = (flags: number) => faultWord(AmdEventCode.IO_PAGE_FAULT, GN | flags);
const NOT_PRESENT = pageFault(0);
const REFUSED = pageFault(PR | PE);
const RESERVED = pageFault(PR | RZ);

/** How guest tables are reached: at host addresses that the device's host table gives, or as they are. */
export interface GuestReach {
  /** Physical address of a table entry, to be read, and written for A and D; or a negative fault word. */
  guestEntry(device: DeviceEntry, at: number): number;
}

/**
 * The walk of guest tables, version 2: the GCR3 table finds a PASID's, which is one of x86 (spec H38, H22). Linux leaves the
 * accessed bit preset; a unit with tables of its own sets it, and D, as x86 does.
 */
export class GuestTables {
  /** log2 of the page that the latest successful {@link walk} found. */
  pageShift = 12;
  pageRights = 0;
  #writable = true;
  #executable = true;
  readonly #memory: UnitMemory;
  readonly #reach: GuestReach;

  constructor(memory: UnitMemory, reach: GuestReach) {
    this.#memory = memory;
    this.#reach = reach;
  }

  /** Guest physical address of the page that translates a request of that PASID, or a negative fault word. */
  walk(device: DeviceEntry, pasid: number, request: TranslationRequest): number {
    const root = this.#root(device, pasid);
    if (root < 0) return root;
    // Canonical addresses of the lower half, which is all that fits in 52 bits here.
    if (request.address >= 2 ** (levelShift(device.guestLevels + 1) - 1)) return -NOT_PRESENT;
    this.#writable = true;
    this.#executable = true;
    return this.#descend(device, root, request);
  }

  /** The guest table of a PASID, by the GCR3 table. */
  #root(device: DeviceEntry, pasid: number): number {
    if (pasid >= 2 ** (GCR3_INDEX_BITS * device.gcr3Levels)) return -NOT_PRESENT;
    let table = device.gcr3;
    for (let level = device.gcr3Levels; level > 0; level--) {
      const index = (pasid >>> (GCR3_INDEX_BITS * (level - 1))) & 511;
      const at = this.#reach.guestEntry(device, table + index * 8);
      if (at < 0) return at;
      const low = this.#memory.load32(at);
      const high = this.#memory.load32(at + 4);
      if (get(low, high, AmdGcr3Entry.V) === 0) return -NOT_PRESENT;
      table = getAddress(low, high, AmdGcr3Entry.ADDR);
    }
    return table;
  }

  #descend(device: DeviceEntry, root: number, request: TranslationRequest): number {
    let table = root;
    for (let level = device.guestLevels; ; level--) {
      const index = Math.floor(request.address / 2 ** levelShift(level)) % 512;
      const at = this.#reach.guestEntry(device, table + index * 8);
      if (at < 0) return at;
      const low = this.#memory.load32(at);
      if ((low & PRESENT) === 0) return -NOT_PRESENT;
      const high = this.#memory.load32(at + 4);
      const isLeaf = level === 1 || (low & LARGE) !== 0;
      if (isLeaf && level > 1 && isMisplaced(low, level)) return -RESERVED;
      if (!request.privileged && (low & USER) === 0) return -(REFUSED + faultWord(0, US));
      this.#writable &&= (low & WRITABLE) !== 0;
      this.#executable &&= (high & EXECUTE_DISABLE_HIGH) === 0;
      const target = getAddress(low, high, FirstStageEntry.ADDR);
      if (isLeaf) return this.#leaf(request, at, low, target, level);
      this.#mark(at, low, ACCESSED);
      table = target;
    }
  }

  #leaf(request: TranslationRequest, at: number, low: number, target: number, level: number): number {
    const writes = (request.right & ALLOWS_WRITE) !== 0;
    if ((writes && !this.#writable) || (request.execute && !this.#executable)) return -REFUSED;
    this.#mark(at, low, writes ? ACCESSED | DIRTY : ACCESSED);
    this.pageShift = levelShift(level);
    const isClean = !writes && (low & DIRTY) === 0;
    this.pageRights = this.#writable && !isClean ? ALLOWS_READ | ALLOWS_WRITE : ALLOWS_READ;
    return target - (target % 2 ** this.pageShift);
  }

  #mark(at: number, low: number, bits: number): void {
    const marked = (low | bits) >>> 0;
    if (marked !== low >>> 0) this.#memory.store32(at, marked);
  }
}

/** A large page where there is none, or one whose address bits say less than its size. */
function isMisplaced(low: number, level: number): boolean {
  return level > 3 || (low & (2 ** levelShift(level) - 4096) & ~LARGE_PAT) !== 0;
}
