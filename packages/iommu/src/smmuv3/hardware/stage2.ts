import type { UnitMemory } from '../../hardware/unit-memory.ts';
import { SmmuEventId } from '../../spec/smmuv3-events.ts';
import type { FaultCause } from './fault-cause.ts';
import { ANY_WRITE, CLEAN, DEVICE_MEMORY, USER_READ, USER_WRITE } from './rights.ts';
import { Stage2Rules } from './stage-rules.ts';
import type { Stream } from './stream.ts';
import { type TableReach, TableWalker } from './table-walker.ts';
import type { Tlb } from './tlb.ts';

/** Stage 2 of a stream: intermediate physical addresses to physical ones, with its own TLB entries (spec H65). */
export class Stage2 implements TableReach {
  /** log2 of the page that the latest successful {@link translate} found. */
  pageShift = 12;
  /** Rights that it may be cached with. */
  pageRights = 0;
  readonly #walker: TableWalker;
  readonly #tlb: Tlb;
  readonly #cause: FaultCause;
  #stream: Stream | undefined;

  constructor(memory: UnitMemory, tlb: Tlb, separatesExecution: boolean, cause: FaultCause) {
    this.#walker = new TableWalker(memory, tlb, new Stage2Rules(separatesExecution), cause);
    this.#tlb = tlb;
    this.#cause = cause;
  }

  /** Whose tables {@link tableEntry} goes through. */
  serve(stream: Stream): this {
    this.#stream = stream;
    return this;
  }

  /** Physical address of that byte, or a negative event id with its cause. */
  translate(stream: Stream, ipa: number, need: number): number {
    const tag = this.#tlb.spaces.tagOf(stream.stage2Space);
    const cached = this.#tlb.find(tag, ipa);
    const { foundShift, foundRights } = this.#tlb;
    if (cached >= 0 && ((foundRights & need) === need || !mayBecomeDirty(foundRights, need))) {
      if ((foundRights & need) !== need) return this.#refuse(ipa, -SmmuEventId.F_PERMISSION);
      return this.#found(cached, foundShift, foundRights, ipa);
    }
    const tables = stream.stage2!;
    if (ipa >= tables.inputLimit) return this.#refuse(ipa, -SmmuEventId.F_TRANSLATION);
    const page = this.#walker.walk(tables, tag, ipa, need, undefined);
    if (page < 0) return this.#refuse(ipa, page);
    const { leafShift, leafRights } = this.#walker;
    this.#tlb.insert(tag, ipa, leafShift, page, leafRights);
    return this.#found(page, leafShift, leafRights, ipa);
  }

  /** Tables and descriptors of stage 1 lie at intermediate addresses, and with STE.S2PTW not in device memory. */
  tableEntry(at: number, isWrite: boolean): number {
    const stream = this.#stream!;
    const host = this.translate(stream, at, isWrite ? USER_READ | USER_WRITE : USER_READ);
    if (host < 0 || !stream.keepsTablesOffDevices || (this.pageRights & DEVICE_MEMORY) === 0) return host;
    return this.#refuse(at, -SmmuEventId.F_PERMISSION);
  }

  #found(page: number, shift: number, rights: number, ipa: number): number {
    this.pageShift = shift;
    this.pageRights = rights;
    return page + (ipa % 2 ** shift);
  }

  #refuse(ipa: number, event: number): number {
    this.#cause.stage2 = true;
    this.#cause.ipa = ipa - (ipa % 4096);
    return event;
  }
}

/** A write to a page that is cached as clean has to see the tables (spec H13b). */
export function mayBecomeDirty(rights: number, need: number): boolean {
  return (rights & CLEAN) !== 0 && (need & ANY_WRITE) !== 0;
}
