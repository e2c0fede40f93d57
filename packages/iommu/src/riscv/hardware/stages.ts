import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { RISCV_IMPLICIT_ACCESS, RISCV_IMPLICIT_WRITE } from '../../spec/riscv-faults.ts';
import type { RiscvCapabilities } from '../capabilities.ts';
import type { RiscvDeviations } from './deviations.ts';
import { PagingWalk, Privilege, type TableReach } from './paging-walk.ts';
import { READS, type Request, WRITES } from './request.ts';
import type { TranslationCaches } from './translation-caches.ts';
import type { TranslationContext } from './translation-context.ts';
import { WalkFault } from './walk-fault.ts';

const ALL_RIGHTS = 7;
/** log2 of what a bare stage maps at once: everything. */
const BARE_SHIFT = 63;

/** The paging that a context asks for: either stage, or the first on top of the second (spec H98 steps 6 and 8). */
export class Stages implements TableReach {
  /** log2 of the page that the latest translation found; {@link BARE_SHIFT} when no stage had tables. */
  pageShift = BARE_SHIFT;
  /** Rights that the page may be cached with. */
  pageRights = ALL_RIGHTS;
  /** `iotval2` of a guest page fault (spec H99). */
  guestFaultAddress = 0;
  readonly #memory: UnitMemory;
  readonly first: PagingWalk;
  readonly #second: PagingWalk;

  constructor(
    memory: UnitMemory,
    caches: TranslationCaches,
    capabilities: RiscvCapabilities,
    deviations: RiscvDeviations,
  ) {
    const memoryTypes = capabilities.pageBasedMemoryTypes;
    const physical: TableReach = { entryAt: (_, at) => this.#physical(at) };
    this.#memory = memory;
    this.first = new PagingWalk(memory, caches, this, { isSecond: false, memoryTypes, deviations });
    this.#second = new PagingWalk(memory, caches, physical, { isSecond: true, memoryTypes, deviations });
  }

  /** Guest physical address of a request's byte, or a negative {@link WalkFault}: the first stage alone. */
  toGuest(context: TranslationContext, tag: number, request: Request): number {
    this.pageShift = BARE_SHIFT;
    this.pageRights = ALL_RIGHTS;
    const { address } = request;
    if (context.first.levels === 0) return address;
    const marks = context.firstAccessedDirty;
    const privilege = privilegeOf(context, request);
    const page = this.first.walk(context, context.first, tag, address, request.right, privilege, marks);
    if (page < 0) return page;
    this.#take(this.first);
    return page + (address % 2 ** this.first.leafShift);
  }

  /** Physical address behind a guest physical one: the second stage. Cached tables are of this stage if it is alone. */
  toHost(context: TranslationContext, tag: number, guest: number, right: number): number {
    if (context.second.levels === 0) return guest;
    const own = context.first.levels === 0 ? tag : 0;
    const page = this.#walkSecond(context, own, guest, right);
    if (page < 0) {
      this.guestFaultAddress = guest;
      return page;
    }
    this.#take(this.#second);
    return page + (guest % 2 ** this.#second.leafShift);
  }

  /** First-stage and process tables are at guest physical addresses, where there is a second stage. */
  entryAt(context: TranslationContext, at: number, isWrite: boolean): number {
    if (context.second.levels === 0) return this.#physical(at);
    const page = this.#walkSecond(context, 0, at, isWrite ? READS | WRITES : READS);
    if (page >= 0) return this.#physical(page + (at % 2 ** this.#second.leafShift));
    this.guestFaultAddress = at + RISCV_IMPLICIT_ACCESS + (isWrite ? RISCV_IMPLICIT_WRITE : 0);
    return page;
  }

  #walkSecond(context: TranslationContext, tag: number, guest: number, right: number): number {
    const { second, secondAccessedDirty } = context;
    const page = this.#second.walk(context, second, tag, guest, right, Privilege.USER, secondAccessedDirty);
    return page === WalkFault.PAGE ? WalkFault.GUEST_PAGE : page;
  }

  #physical(at: number): number {
    return this.#memory.canAccess(at) ? at : WalkFault.ACCESS;
  }

  /** A translation through two stages is the smaller of their pages, with the rights of both. */
  #take(walk: PagingWalk): void {
    this.pageShift = Math.min(this.pageShift, walk.leafShift);
    this.pageRights &= walk.leafClean ? walk.leafRights & ~WRITES : walk.leafRights;
  }
}

function privilegeOf(context: TranslationContext, { privileged, right }: Request): number {
  if (!privileged || !context.supervisorRequests) return Privilege.USER;
  const mayUseUserPages = context.supervisorUserAccess && (right & (READS | WRITES)) !== 0;
  return mayUseUserPages ? Privilege.SUPERVISOR_WITH_SUM : Privilege.SUPERVISOR;
}
