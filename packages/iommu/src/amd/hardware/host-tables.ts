import { ALLOWS_READ, ALLOWS_WRITE, QUICK_TABLE } from '../../hardware/translation-array.ts';
import type { TranslationCaches } from '../../hardware/translation-caches.ts';
import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { AmdEventCode, AmdEventFlag } from '../../spec/amd-events.ts';
import { AmdNextLevel, AmdPageEntry } from '../../spec/amd-paging.ts';
import { highMask, lowMask } from '../../spec/bits.ts';
import { levelShift } from '../../spec/vtd-paging.ts';
import type { AmdDeviations } from './deviations.ts';
import type { DeviceEntry } from './device-entry.ts';
import { faultWord } from './fault-word.ts';

const PRESENT = lowMask(AmdPageEntry.PR);
const NEXT_LEVEL = lowMask(AmdPageEntry.NL);
const ACCESSED = lowMask(AmdPageEntry.A);
const DIRTY = lowMask(AmdPageEntry.D);
const ADDRESS_LOW = lowMask(AmdPageEntry.ADDR);
const ADDRESS_HIGH = highMask(AmdPageEntry.ADDR);
const RESERVED_HIGH = highMask(AmdPageEntry.RSVD52);
/** IR and IW stand 29 bits above `ALLOWS_READ` and `ALLOWS_WRITE` in the high half. */
const RIGHTS_SHIFT = AmdPageEntry.IR.lo - 32;
const RIGHTS = ALLOWS_READ | ALLOWS_WRITE;
const NOT_PRESENT = faultWord(AmdEventCode.IO_PAGE_FAULT, 0);
const RESERVED = faultWord(AmdEventCode.IO_PAGE_FAULT, AmdEventFlag.PR | AmdEventFlag.RZ);
const REFUSED = faultWord(AmdEventCode.IO_PAGE_FAULT, AmdEventFlag.PR | AmdEventFlag.PE);
const UNREADABLE = faultWord(AmdEventCode.PAGE_TAB_HARDWARE_ERROR, 0);

/** The walk of host tables, version 1 (spec H35 to H37, H39 steps 9 to 12). A leaf at a time; what it says stays in fields. */
export class HostTables {
  /** log2 of the page that the latest successful {@link walk} found. */
  pageShift = 12;
  /** Rights of that page: all entries on its way, and the device's. */
  pageRights = 0;
  /** Address of the page that {@link walkQuickly} found; as its result the double would be boxed. */
  readonly quickPage = new Float64Array(1);
  /** Address of the entry that could not be read. */
  faultAddress = 0;
  #table = 0;
  #level = 0;
  #rights = 0;
  /** Rights of the table entries alone: two devices of one domain may have different ones of their own. */
  #tableRights = 0;
  readonly #memory: UnitMemory;
  readonly #caches: TranslationCaches;
  readonly #isQemu: boolean;

  constructor(memory: UnitMemory, caches: TranslationCaches, deviations: AmdDeviations) {
    this.#memory = memory;
    this.#caches = caches;
    this.#isQemu = deviations === 'qemu';
  }

  /**
   * Physical address of the page that translates an address, or a negative fault word. Without tables (Mode 0) that is the
   * address itself, with the device's rights.
   * @param tag what to cache tables under; 0 for what must not be cached
   */
  walk(device: DeviceEntry, tag: number, address: number, right: number): number {
    if (device.mode === 0) {
      this.pageShift = 12;
      this.pageRights = device.rights;
      return (right & ~device.rights) === 0 ? address - (address & 0xfff) : -REFUSED;
    }
    if (device.rights === 0 && !this.#isQemu) return -REFUSED;
    if (address >= 2 ** levelShift(device.mode + 1)) return -NOT_PRESENT;
    this.#start(device, tag, address);
    return this.#descend(device, tag, address, right);
  }

  /**
   * Finds a 4 KiB leaf whose table is cached, for a device with all rights, and leaves it in {@link quickPage} and its rights
   * as a walk does. False when it takes {@link walk}, be it to find a fault. Most misses end here.
   */
  walkQuickly(tag: number, address: number, right: number): boolean {
    const { tables1 } = this.#caches;
    const slot = tables1.find(tag, address);
    const needed = right | QUICK_TABLE;
    if (slot < 0 || (tables1.rights[slot] & needed) !== needed) return false;
    const at = tables1.targets[slot] + ((address >>> 9) & 0xff8);
    if (!this.#memory.canAccess(at)) return false;
    const low = this.#memory.load32(at);
    const high = this.#memory.load32(at + 4);
    const rights = (high >>> RIGHTS_SHIFT) & tables1.rights[slot] & RIGHTS;
    if ((low & (PRESENT | NEXT_LEVEL)) !== PRESENT || (high & RESERVED_HIGH) !== 0 || (rights & right) !== right) {
      return false;
    }
    this.pageRights = rights;
    this.quickPage[0] = (high & ADDRESS_HIGH) * 2 ** 32 + ((low & ADDRESS_LOW) >>> 0);
    return true;
  }

  /** At the lowest table that is cached; at the root where every entry used has to be seen. */
  #start(device: DeviceEntry, tag: number, address: number): void {
    this.#table = device.root;
    this.#level = device.mode;
    this.#rights = this.#isQemu ? RIGHTS : device.rights;
    this.#tableRights = RIGHTS;
    if (device.setsAccessed) return;
    const { tables1, tables2 } = this.#caches;
    const slot1 = tables1.find(tag, address);
    const slot2 = slot1 >= 0 ? -1 : tables2.find(tag, address);
    if (slot1 < 0 && slot2 < 0) return;
    this.#table = slot1 >= 0 ? tables1.targets[slot1] : tables2.targets[slot2];
    this.#level = slot1 >= 0 ? 1 : 2;
    this.#tableRights = (slot1 >= 0 ? tables1.rights[slot1] : tables2.rights[slot2]) & RIGHTS;
    this.#rights &= this.#tableRights;
  }

  #descend(device: DeviceEntry, tag: number, address: number, right: number): number {
    for (;;) {
      const level = this.#level;
      const at = this.#table + entryOffset(address, level);
      if (!this.#memory.canAccess(at)) {
        this.faultAddress = at;
        return -UNREADABLE;
      }
      const low = this.#memory.load32(at);
      if ((low & PRESENT) === 0) return -NOT_PRESENT;
      const high = this.#memory.load32(at + 4);
      const next = (low >>> AmdPageEntry.NL.lo) & 7;
      const isLeaf = next === AmdNextLevel.PAGE || next === AmdNextLevel.SIZED_PAGE;
      if ((high & RESERVED_HIGH) !== 0 || (!isLeaf && next >= level)) return -RESERVED;
      const rights = (high >>> RIGHTS_SHIFT) & RIGHTS;
      if (isLeaf || !this.#isQemu) this.#rights &= rights;
      if (isLeaf) return this.#leaf(device, at, low, high, right);
      if (!this.#isQemu && skipsSetBits(address, level, next)) return -NOT_PRESENT;
      if (device.setsAccessed) this.#mark(at, low, ACCESSED);
      this.#table = (high & ADDRESS_HIGH) * 2 ** 32 + ((low & ADDRESS_LOW) >>> 0);
      this.#level = next;
      if (!this.#isQemu) this.#tableRights &= rights;
      this.#cacheTable(tag, address, device.setsAccessed);
    }
  }

  #leaf(device: DeviceEntry, at: number, low: number, high: number, right: number): number {
    const isSized = ((low >>> AmdPageEntry.NL.lo) & 7) === AmdNextLevel.SIZED_PAGE;
    const shift = isSized ? sizedPageShift(low, high) : levelShift(this.#level);
    if ((right & ~this.#rights) !== 0) return -REFUSED;
    const writes = (right & ALLOWS_WRITE) !== 0;
    if (device.setsAccessed) this.#mark(at, low, device.setsDirty && writes ? ACCESSED | DIRTY : ACCESSED);
    this.pageShift = shift;
    // A write has to come back to set D: the translation may not be cached as writable (spec H13b).
    const isClean = device.setsDirty && !writes && (low & DIRTY) === 0;
    this.pageRights = isClean ? this.#rights & ~ALLOWS_WRITE : this.#rights;
    const target = (high & ADDRESS_HIGH) * 2 ** 32 + ((low & ADDRESS_LOW) >>> 0);
    return target - (target % 2 ** shift);
  }

  #cacheTable(tag: number, address: number, marksUse: boolean): void {
    const rights = this.#tableRights | (marksUse ? 0 : QUICK_TABLE);
    if (this.#level === 1) this.#caches.tables1.insert(tag, address, this.#table, rights);
    else if (this.#level === 2) this.#caches.tables2.insert(tag, address, this.#table, rights);
  }

  #mark(at: number, low: number, bits: number): void {
    const marked = (low | bits) >>> 0;
    if (marked !== low >>> 0) this.#memory.store32(at, marked);
  }
}

/** Byte offset of the entry for that address in a table of that level. */
function entryOffset(address: number, level: number): number {
  if (level === 1) return (address >>> 9) & 0xff8;
  if (level === 2) return (address >>> 18) & 0xff8;
  return (Math.floor(address / 2 ** levelShift(level)) % 512) * 8;
}

/** Are index bits of a level between the two set? Then the skipped tables would have had another entry (spec H36). */
function skipsSetBits(address: number, level: number, next: number): boolean {
  return next < level - 1 && address % 2 ** levelShift(level) >= 2 ** levelShift(next + 1);
}

/** log2 of an NL = 7 page: one more than the lowest zero bit of its address from bit 12 on (spec H37). */
function sizedPageShift(low: number, high: number): number {
  for (let bit = 12; bit < 52; bit++) {
    const isSet = bit < 32 ? (low >>> bit) & 1 : (high >>> (bit - 32)) & 1;
    if (isSet === 0) return bit + 1;
  }
  return 52;
}
