import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { lowMask } from '../../spec/bits.ts';
import { SmmuEventId } from '../../spec/smmuv3-events.ts';
import { DescriptorType, Stage1Descriptor } from '../../spec/smmuv3-paging.ts';
import type { FaultCause } from './fault-cause.ts';
import { ALL_RIGHTS, ANY_WRITE, CLEAN, DEVICE_MEMORY } from './rights.ts';
import type { StageRules } from './stage-rules.ts';
import { allowsBlock, levelShift, type StageTables } from './stage-tables.ts';
import type { Tlb } from './tlb.ts';

const ACCESSED = lowMask(Stage1Descriptor.AF);
const NOT_GLOBAL = lowMask(Stage1Descriptor.NG);
const WIDE_OUTPUT = 2 ** 52;
/** What the short way wants of an entry: a page of one ASID, accessed before. */
const QUICK_LEAF = DescriptorType.TABLE_OR_PAGE | ACCESSED | NOT_GLOBAL;
/** log2 of what a level 3 table of 4 KiB pages translates. */
const QUICK_SPAN_SHIFT = 21;
const INDEX_BYTES = 511 * 8;
const BLOCK = DescriptorType.BLOCK;
const TABLE_OR_PAGE = DescriptorType.TABLE_OR_PAGE;

/** Where tables are when their addresses are not physical: behind the second stage (spec H65). */
export interface TableReach {
  /** Physical address of an entry that is read, or also written; negative: the second stage refuses. */
  tableEntry(at: number, isWrite: boolean): number;
}

/**
 * The walk of VMSAv8-64 tables of one stage (spec H63, H64, H70 step 8). One leaf at a time; what else it found out stays
 * in fields.
 */
export class TableWalker {
  /** log2 of the leaf that the latest successful {@link walk} found. */
  leafShift = 12;
  /** What it may be cached with: no write rights while it is clean. */
  leafRights = 0;
  /** The leaf holds for every ASID. */
  leafIsGlobal = false;
  /** Address of the page that {@link walkQuickly} found; as its result the double would be boxed. */
  readonly quickPage = new Float64Array(1);
  readonly #memory: UnitMemory;
  readonly #tlb: Tlb;
  readonly #rules: StageRules;
  readonly #cause: FaultCause;
  #table = 0;
  #level = 0;
  #rights = 0;
  /** Physical address of the entry that was read last, and as which address the tables know it. */
  #entryAt = 0;
  #low = 0;
  #high = 0;

  constructor(memory: UnitMemory, tlb: Tlb, rules: StageRules, cause: FaultCause) {
    this.#memory = memory;
    this.#tlb = tlb;
    this.#rules = rules;
    this.#cause = cause;
  }

  /**
   * First byte of the leaf that translates an address below the tables' limit, or a negative event id.
   * @param tag of the space whose tables may be remembered
   * @param reach what leads to the tables; undefined where their addresses are physical
   */
  walk(tables: StageTables, tag: number, address: number, need: number, reach: TableReach | undefined): number {
    this.#start(tables, tag, address);
    for (; ; this.#level++) {
      const level = this.#level;
      const error = this.#readEntry(tables, address, reach);
      if (error !== 0) return error;
      const type = this.#low & 3;
      if (type === TABLE_OR_PAGE ? level === 3 : type === BLOCK && level < 3) {
        if (level < 3 && !allowsBlock(tables.granuleShift, level, tables.outputLimit))
          return -SmmuEventId.F_TRANSLATION;
        return this.#leaf(tables, levelShift(tables.granuleShift, level), need, reach);
      }
      if (type !== TABLE_OR_PAGE) return -SmmuEventId.F_TRANSLATION;
      const next = this.#target(tables, tables.granuleShift);
      if (next >= tables.outputLimit) return -SmmuEventId.F_ADDR_SIZE;
      if (!tables.ignoresTableRights) this.#rights &= this.#rules.tableRights(this.#high);
      this.#table = next;
      this.#tlb.insertTable(tag, address, levelShift(tables.granuleShift, level), next, this.#rights);
    }
  }

  /**
   * Finds a 4 KiB leaf whose table is remembered, and leaves it in {@link quickPage} and the other fields as a walk does.
   * False when it takes {@link walk}, be it to find a fault. Most misses end here.
   */
  walkQuickly(tables: StageTables, tag: number, address: number, need: number): boolean {
    const table = this.#tlb.findTable(tag, address, QUICK_SPAN_SHIFT);
    if (table < 0) return false;
    const at = table + ((address >>> 9) & INDEX_BYTES);
    if (!this.#memory.canAccess(at)) return false;
    const low = this.#memory.load32(at);
    if ((low & QUICK_LEAF) !== QUICK_LEAF) return false;
    const high = this.#memory.load32(at + 4);
    const granted = this.#tlb.foundRights & this.#rules.leafRights(low, high, tables);
    const page = (high & 0xffff) * 2 ** 32 + ((low & ~0xfff) >>> 0);
    if ((need & ~granted) !== 0 || (granted & CLEAN) !== 0 || page >= tables.outputLimit) return false;
    this.leafRights = granted;
    this.quickPage[0] = page;
    return true;
  }

  /** At the lowest table that is remembered, else at the top. */
  #start(tables: StageTables, tag: number, address: number): void {
    const { granuleShift } = tables;
    for (let level = 3; level > Math.max(tables.startLevel, 1); level--) {
      const table = this.#tlb.findTable(tag, address, levelShift(granuleShift, level - 1));
      if (table < 0) continue;
      this.#table = table;
      this.#level = level;
      this.#rights = this.#tlb.foundRights;
      return;
    }
    this.#table = tables.root;
    this.#level = tables.startLevel;
    this.#rights = ALL_RIGHTS | CLEAN | DEVICE_MEMORY;
  }

  #readEntry(tables: StageTables, address: number, reach: TableReach | undefined): number {
    const index = Math.floor(address * 2 ** -levelShift(tables.granuleShift, this.#level));
    // The top table may be longer than the ones below it, or shorter: its index is whatever is left of the address.
    const isTop = this.#level === tables.startLevel;
    const at = this.#table + (isTop ? index : index & (2 ** tables.strideBits - 1)) * 8;
    const host = reach === undefined ? at : reach.tableEntry(at, false);
    if (host < 0) return host;
    if (!this.#memory.canAccess(host)) {
      this.#cause.fetchAddress = host;
      return -SmmuEventId.F_WALK_EABT;
    }
    this.#entryAt = at;
    this.#low = this.#memory.load32(host);
    this.#high = this.#memory.load32(host + 4);
    return 0;
  }

  /** The access flag first, then rights, then the width of the address (spec H70 step 8). */
  #leaf(tables: StageTables, shift: number, need: number, reach: TableReach | undefined): number {
    const low = this.#low;
    if ((low & ACCESSED) === 0 && !tables.ignoresAccessFlag && !tables.updatesAccess) return -SmmuEventId.F_ACCESS;
    const granted = this.#rights & this.#rules.leafRights(low, this.#high, tables);
    if ((need & ~granted) !== 0) return -SmmuEventId.F_PERMISSION;
    const page = this.#target(tables, shift);
    if (page >= tables.outputLimit) return -SmmuEventId.F_ADDR_SIZE;
    const dirties = (granted & CLEAN) !== 0 && (need & ANY_WRITE) !== 0;
    const error = this.#update(tables, dirties, reach);
    if (error !== 0) return error;
    this.leafShift = shift;
    this.leafIsGlobal = (low & NOT_GLOBAL) === 0;
    if (dirties) this.leafRights = granted & ~CLEAN;
    else this.leafRights = (granted & CLEAN) !== 0 ? granted & ~ANY_WRITE : granted;
    return page;
  }

  /** AF, and the dirty state of a write, before data moves (spec H13b). */
  #update(tables: StageTables, dirties: boolean, reach: TableReach | undefined): number {
    const used = tables.updatesAccess ? (this.#low | ACCESSED) >>> 0 : this.#low;
    const updated = dirties ? this.#rules.dirtied(used) : used;
    if (updated === this.#low) return 0;
    const host = reach === undefined ? this.#entryAt : reach.tableEntry(this.#entryAt, true);
    if (host < 0) return host;
    this.#memory.store32(host, updated);
    return 0;
  }

  /** Address in the entry, its bits below `shift` left out; 64 KiB tables keep bits 51:48 in 15:12 (spec H64). */
  #target({ granuleShift, outputLimit }: StageTables, shift: number): number {
    const low = shift >= 32 ? 0 : (this.#low & -(2 ** shift)) >>> 0;
    const high = (shift > 32 ? this.#high & -(2 ** (shift - 32)) : this.#high) & 0xffff;
    const address = high * 2 ** 32 + low;
    if (granuleShift !== 16 || outputLimit !== WIDE_OUTPUT) return address;
    return address + ((this.#low >>> 12) & 0xf) * 2 ** 48;
  }
}
