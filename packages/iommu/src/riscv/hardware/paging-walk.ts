import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { lowMask } from '../../spec/bits.ts';
import { RISCV_NAPOT_64K, RiscvPte } from '../../spec/riscv-paging.ts';
import type { RiscvDeviations } from './deviations.ts';
import { READS, WRITES } from './request.ts';
import type { TranslationCaches } from './translation-caches.ts';
import type { StageRoot, TranslationContext } from './translation-context.ts';
import { WalkFault } from './walk-fault.ts';

const V = lowMask(RiscvPte.V);
const RWX = lowMask(RiscvPte.R) | lowMask(RiscvPte.W) | lowMask(RiscvPte.X);
const U = lowMask(RiscvPte.U);
const A = lowMask(RiscvPte.A);
const D = lowMask(RiscvPte.D);
/** R, W and X become the rights of a request when they are shifted down. */
const RIGHTS_SHIFT = RiscvPte.R.lo;
const PPN_LOW_SHIFT = RiscvPte.PPN.lo;
const PPN_HIGH = 2 ** 22 - 1;
const PPN_HIGH_UNIT = 2 ** (32 - PPN_LOW_SHIFT);
const RESERVED_HIGH = 0x1fc0_0000;
const PBMT_HIGH = 0x6000_0000;
const N_HIGH = 0x8000_0000;
const INDEX_BITS = 9;
const INDEX = 2 ** INDEX_BITS - 1;
const ROOT_INDEX = 2 ** (INDEX_BITS + 2) - 1;
/** What an address is multiplied with for its index, by level: powers of two, so that nothing is rounded. */
const PER_SPAN = [0, 1, 2, 3, 4].map((level) => 2 ** (-12 - INDEX_BITS * level));
/** What a leaf has that any user may read and that needs no mark. */
const QUICK_LEAF = V | lowMask(RiscvPte.R) | U | A;
/** Rights of a cached table whose leaves can be read on the quick way. */
const QUICK_TABLE = 1;

/** On whose behalf a request comes, as far as U of a page cares (spec H97). */
export const Privilege = { USER: 0, SUPERVISOR: 1, SUPERVISOR_WITH_SUM: 2 } as const;

/** What a walk needs beyond the tables' bytes: they may lie behind another stage. */
export interface TableReach {
  /** Where the entry at that address of the stage's own address space really is; or a negative {@link WalkFault}. */
  entryAt(context: TranslationContext, at: number, isWrite: boolean): number;
}

/** The walk of one stage's tables (spec H96, H97). One leaf at a time; its size and rights stay in fields. */
export class PagingWalk {
  /** log2 of the leaf that the latest successful {@link walk} found. */
  leafShift = 12;
  /** R, W and X of it, as rights of a request. */
  leafRights = 0;
  /** A write has to come back here to set D: the translation may not be cached as writable (spec H13b). */
  leafClean = false;
  /** Address of the page that {@link walkQuickly} found; as its result the double would be boxed. */
  readonly quickPage = new Float64Array(1);
  readonly #memory: UnitMemory;
  readonly #caches: TranslationCaches;
  readonly #reach: TableReach;
  /** First address that a table of so many levels doesn't take. */
  readonly #limits: readonly number[];
  readonly #reservedHigh: number;
  /** Bits that a pointer to a table must not have set. */
  readonly #reservedInPointer: number;

  constructor(
    memory: UnitMemory,
    caches: TranslationCaches,
    reach: TableReach,
    options: { readonly isSecond: boolean; readonly memoryTypes: boolean; readonly deviations: RiscvDeviations },
  ) {
    this.#memory = memory;
    this.#caches = caches;
    this.#reach = reach;
    // The first stage takes the lower half of a sign-extended span, the second has two index bits more at its root.
    const rootBits = options.isSecond ? 2 : -1;
    this.#limits = [0, 1, 2, 3, 4, 5].map((levels) => 2 ** (12 + INDEX_BITS * levels + rootBits));
    this.#reservedHigh = (options.memoryTypes ? RESERVED_HIGH : RESERVED_HIGH | PBMT_HIGH) | 0;
    this.#reservedInPointer = options.deviations === 'qemu' ? 0 : U | A | D;
  }

  /**
   * Address of the page that translates `address`, or a negative {@link WalkFault}.
   * @param tag of the address space under which level 1 tables are remembered; 0: none are
   * @param setsAccessed hardware sets A and D, instead of faulting without them
   */
  walk(
    context: TranslationContext,
    { root, levels }: StageRoot,
    tag: number,
    address: number,
    right: number,
    privilege: number,
    setsAccessed: boolean,
  ): number {
    if (address >= this.#limits[levels]) return WalkFault.PAGE;
    const slot = this.#caches.tables.find(tag, address);
    let level = slot >= 0 ? 0 : levels - 1;
    let table = slot >= 0 ? this.#caches.tables.targets[slot] : root;
    for (; ; level--) {
      const index = (address * PER_SPAN[level]) & (level === levels - 1 ? ROOT_INDEX : INDEX);
      const guestAt = table + index * 8;
      const at = this.#reach.entryAt(context, guestAt, false);
      if (at < 0) return at;
      const low = this.#memory.load32(at);
      const high = this.#memory.load32(at + 4);
      if ((low & V) === 0 || (high & this.#reservedHigh) !== 0) return WalkFault.PAGE;
      if ((low & RWX) !== 0) {
        const page = this.#leaf(low, high, level, right, privilege);
        if (page < 0 || !this.#needsMark(low, right)) return page;
        return setsAccessed ? this.#mark(context, guestAt, low, right, page) : WalkFault.PAGE;
      }
      if (level === 0 || (low & this.#reservedInPointer) !== 0 || (high & (PBMT_HIGH | N_HIGH)) !== 0) {
        return WalkFault.PAGE;
      }
      table = pageOf(low, high);
      if (level === 1) this.#cacheTable(context, tag, address, table);
    }
  }

  /**
   * Finds a plain 4 KiB leaf whose table is cached, for a request of a user, and leaves it in {@link quickPage} and its
   * rights as {@link walk} does. False when it takes a walk, be it to find a fault. Most misses end here.
   */
  walkQuickly(tag: number, address: number, right: number): boolean {
    const { tables } = this.#caches;
    const slot = tables.find(tag, address);
    if (slot < 0 || tables.rights[slot] !== QUICK_TABLE) return false;
    const at = tables.targets[slot] + ((address >>> 9) & (INDEX * 8));
    if (!this.#memory.canAccess(at)) return false;
    const low = this.#memory.load32(at);
    const high = this.#memory.load32(at + 4);
    const isDirty = (low & D) !== 0;
    const rights = (low & RWX) >> RIGHTS_SHIFT;
    if ((low & QUICK_LEAF) !== QUICK_LEAF || (rights & right) !== right || (right === WRITES && !isDirty)) return false;
    if ((high & ~PPN_HIGH) !== 0) return false;
    this.leafRights = isDirty ? rights : rights & ~WRITES;
    this.quickPage[0] = pageOf(low, high);
    return true;
  }

  /** Of a stage that is alone, and whose pages are no interrupt files: what else there is to check is in the leaf. */
  #cacheTable(context: TranslationContext, tag: number, address: number, table: number): void {
    const isAlone = context.first.levels === 0 || context.second.levels === 0;
    const rights = isAlone && context.msiTable < 0 ? QUICK_TABLE : 0;
    this.#caches.tables.insert(tag, address, table, rights);
  }

  /** The page, if the entry is a proper leaf and grants what is asked. */
  #leaf(low: number, high: number, level: number, right: number, privilege: number): number {
    const rights = (low & RWX) >> RIGHTS_SHIFT;
    const page = pageOf(low, high);
    if ((rights & (READS | WRITES)) === WRITES || (rights & right) !== right || (high & PBMT_HIGH) === PBMT_HIGH)
      return WalkFault.PAGE;
    const isUser = (low & U) !== 0;
    if (privilege === Privilege.USER ? !isUser : isUser && privilege === Privilege.SUPERVISOR) return WalkFault.PAGE;
    this.leafRights = rights;
    this.leafClean = (low & D) === 0 && (right & WRITES) === 0;
    if ((high & N_HIGH) !== 0) return this.#napotPage(page, level);
    this.leafShift = 12 + INDEX_BITS * level;
    return level === 0 || page % 2 ** this.leafShift === 0 ? page : WalkFault.PAGE;
  }

  /** 64 KiB: sixteen entries of level 0, whose PPN names the size in its low bits. */
  #napotPage(page: number, level: number): number {
    if (level !== 0 || (page / 4096) % 16 !== RISCV_NAPOT_64K) return WalkFault.PAGE;
    this.leafShift = 16;
    return page - RISCV_NAPOT_64K * 4096;
  }

  #needsMark(low: number, right: number): boolean {
    return (low & A) === 0 || ((right & WRITES) !== 0 && (low & D) === 0);
  }

  /** Sets A, and D for a write, before data moves (spec H13b). */
  #mark(context: TranslationContext, guestAt: number, low: number, right: number, page: number): number {
    const at = this.#reach.entryAt(context, guestAt, true);
    if (at < 0) return at;
    this.#memory.store32(at, (low | A | ((right & WRITES) !== 0 ? D : 0)) >>> 0);
    return page;
  }
}

function pageOf(low: number, high: number): number {
  return ((high & PPN_HIGH) * PPN_HIGH_UNIT + (low >>> PPN_LOW_SHIFT)) * 4096;
}
