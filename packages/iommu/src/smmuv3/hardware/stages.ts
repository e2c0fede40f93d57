import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { EventClass, SmmuEventId } from '../../spec/smmuv3-events.ts';
import type { Context } from './context.ts';
import type { FaultCause } from './fault-cause.ts';
import { CLEAN } from './rights.ts';
import { STAGE1_RULES } from './stage-rules.ts';
import { mayBecomeDirty, Stage2 } from './stage2.ts';
import type { Stream } from './stream.ts';
import { TableWalker } from './table-walker.ts';
import type { Tlb } from './tlb.ts';

/** Stage 1, stage 2, or one on top of the other, with what the TLB knows of them (spec H70 steps 8 to 10). */
export class Stages {
  readonly stage2: Stage2;
  readonly #stage1: TableWalker;
  readonly #tlb: Tlb;
  readonly #cause: FaultCause;

  constructor(memory: UnitMemory, tlb: Tlb, separatesExecution: boolean, cause: FaultCause) {
    this.stage2 = new Stage2(memory, tlb, separatesExecution, cause);
    this.#stage1 = new TableWalker(memory, tlb, STAGE1_RULES, cause);
    this.#tlb = tlb;
    this.#cause = cause;
  }

  /**
   * The short way of a miss: stage 1 alone, in 4 KiB pages, by a table that is remembered. Puts the physical address of the
   * byte there; false when it takes {@link translate}.
   */
  translateQuickly(context: Context, address: number, need: number, answer: Float64Array): boolean {
    const tlb = this.#tlb;
    const tag = tlb.spaces.tagOf(context.space);
    // A page that is cached with other rights than these is a fault, whatever its table says by now.
    if (tlb.pages.find(tag, address) >= 0) return false;
    if (tlb.pages.find(tlb.spaces.tagOf(context.globalSpace), address) >= 0) return false;
    const walker = this.#stage1;
    if (!walker.walkQuickly(context.tables!, tag, address, need)) return false;
    const page = walker.quickPage[0];
    tlb.pages.insert(tag, address, page, walker.leafRights);
    answer[0] = page + (address & 0xfff);
    return true;
  }

  /** Physical address of that byte through a context, or a negative event id with its cause. */
  translate(stream: Stream, context: Context, address: number, need: number): number {
    const { spaces } = this.#tlb;
    let page = this.#tlb.find(spaces.tagOf(context.space), address);
    if (page < 0) page = this.#tlb.find(spaces.tagOf(context.globalSpace), address);
    if (page >= 0) {
      const { foundRights, foundShift } = this.#tlb;
      if ((foundRights & need) === need) return page + (address % 2 ** foundShift);
      // Which of two stages refused is not in the TLB: then, and for a first write, the tables have to say.
      const isSettled = stream.stage2 === undefined && !mayBecomeDirty(foundRights, need);
      if (isSettled) return -SmmuEventId.F_PERMISSION;
    }
    return this.#walk(stream, context, address, need);
  }

  #walk(stream: Stream, context: Context, address: number, need: number): number {
    const { tables } = context;
    if (tables === undefined || address >= tables.inputLimit) return -SmmuEventId.F_TRANSLATION;
    const { spaces } = this.#tlb;
    const reach = stream.stage2 === undefined ? undefined : this.stage2.serve(stream);
    this.#cause.eventClass = EventClass.TRANSLATION_TABLE;
    const walked = this.#stage1.walk(tables, spaces.tagOf(context.space), address, need, reach);
    const isTableFault = this.#cause.stage2 || -walked === SmmuEventId.F_WALK_EABT;
    if (!isTableFault) this.#cause.eventClass = EventClass.INPUT;
    if (walked < 0) return walked;
    const { leafShift, leafRights, leafIsGlobal } = this.#stage1;
    let page = walked;
    let shift = leafShift;
    let rights = leafRights;
    if (reach !== undefined) {
      const offset = address % 2 ** leafShift;
      const phys = this.stage2.translate(stream, walked + offset, need);
      if (phys < 0) return phys;
      shift = Math.min(leafShift, this.stage2.pageShift);
      rights = combine(leafRights, this.stage2.pageRights);
      page = phys - (phys % 2 ** shift);
    }
    const space = leafIsGlobal ? context.globalSpace : context.space;
    this.#tlb.insert(spaces.tagOf(space), address, shift, page, rights);
    return page + (address % 2 ** shift);
  }
}

/** Rights of both stages; either may have a dirty state to set, which keeps write rights out. */
function combine(first: number, second: number): number {
  return (first & second) | ((first | second) & CLEAN);
}
