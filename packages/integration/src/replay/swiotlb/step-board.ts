import type { Bounce, BounceHistory, Step } from './bounce.ts';
import type { PoolMachine } from './pool-machine.ts';

const PAGE = 4096;

/** One thing that was done and can be taken back. */
interface Change {
  readonly kind: 'begin' | 'scan' | 'finish';
  readonly step: Step;
  /** finish: slot that was claimed or freed, -1 for none. */
  readonly slot: number;
}

/**
 * A trace's steps on our pool: which have begun, which are finished, and what each that is open would give if it went
 * now. Everything done here and to the pool stands on a trail and can be undone.
 */
export class StepBoard {
  /** Steps whose windows have begun and that are not finished. */
  readonly open = new Set<Step>();
  readonly finished = new Set<Step>();
  readonly #machine: PoolMachine;
  /** All steps, by the start of their windows. */
  readonly #steps: readonly Step[];
  /** First step whose window has not begun. */
  #next = 0;
  /** Areas that each mapping has scanned in vain, and whether it is finished, by bounce id. */
  readonly #scans: number[];
  readonly #mapped: boolean[];
  readonly #trail: Change[] = [];

  constructor(machine: PoolMachine, { steps, bounces }: BounceHistory) {
    this.#machine = machine;
    this.#steps = steps.toSorted((a, b) => a.from - b.from || a.at - b.at);
    this.#scans = bounces.map(() => 0);
    this.#mapped = bounces.map(() => false);
  }

  /** Begins every step whose window must be open now, and makes the scans that fail as they should. */
  advance(): void {
    for (let changed = true; changed; ) {
      changed = false;
      while (this.#next < this.#steps.length && this.#steps[this.#next].from < this.#deadline()) {
        this.#do({ kind: 'begin', step: this.#steps[this.#next], slot: -1 });
      }
      for (const step of this.open) changed = (!step.isFree && this.#scan(step)) || changed;
    }
  }

  /** The first event that some open step must come before. */
  #deadline(): number {
    let deadline = Number.POSITIVE_INFINITY;
    for (const { until } of this.open) if (until < deadline) deadline = until;
    return deadline;
  }

  /** Makes the next scan of a mapping if it is one that fails; true when that changed anything. */
  #scan(step: Step): boolean {
    const { bounce } = step;
    const scans = this.#scans[bounce.id];
    if (scans >= this.#scansInVain(bounce)) return false;
    if (this.#machine.find(bounce, this.#machine.area(bounce, scans)) >= 0) return false;
    this.#do({ kind: 'scan', step, slot: -1 });
    const failed = bounce.outcome === 'failed' && scans + 1 === this.#machine.pool.areaCount;
    if (failed) this.#do({ kind: 'finish', step, slot: -1 });
    return true;
  }

  /** Areas that a mapping scans without success before its result, at most. */
  #scansInVain(bounce: Bounce): number {
    const { pool } = this.#machine;
    if (bounce.outcome === 'failed') return pool.areaCount;
    if (bounce.outcome === 'mapped') return pool.areaCount - 1;
    if (!pool.contains(bounce.place)) return 0;
    const area = Math.floor(pool.slotOf(bounce.place) / pool.areaSlots);
    return (area - this.#machine.area(bounce, 0) + pool.areaCount) % pool.areaCount;
  }

  /** Open steps that give the trace's result if they go now, in printed order. */
  fitting(): Step[] {
    const fitting: Step[] = [];
    for (const step of this.open) {
      if (step.after !== null && !this.finished.has(step.after)) continue;
      if (step.isFree ? this.#mapped[step.bounce.id] : this.#slotFor(step.bounce) >= 0) fitting.push(step);
    }
    return fitting.sort((a, b) => a.at - b.at);
  }

  /** The slot that our pool gives a mapping now, if that is the trace's result; else -1. */
  #slotFor(bounce: Bounce): number {
    const { outcome, place, id } = bounce;
    if (outcome === 'failed') return -1;
    if (outcome !== 'mapped' && this.#scans[id] < this.#scansInVain(bounce)) return -1;
    const slot = this.#machine.find(bounce, this.#machine.area(bounce, this.#scans[id]));
    if (slot < 0 || outcome === 'mapped') return slot;
    const address = this.#machine.addressAt(slot);
    return (outcome === 'granule' ? address - (address % PAGE) : address) === place ? slot : -1;
  }

  /** What our pool gives a mapping now, whatever the trace says: an address, or -1. */
  wouldGive(bounce: Bounce): number {
    for (let scan = 0; scan < this.#machine.pool.areaCount; scan++) {
      const slot = this.#machine.find(bounce, this.#machine.area(bounce, scan));
      if (slot >= 0) return this.#machine.addressAt(slot);
    }
    return -1;
  }

  /** Does a fitting step. */
  go(step: Step): void {
    const slot = step.isFree ? this.#machine.free(step.bounce) : this.#slotFor(step.bounce);
    if (!step.isFree) this.#machine.claim(step.bounce, slot);
    this.#do({ kind: 'finish', step, slot });
  }

  /** Does a step as the kernel did it, whether it fits or not. Can't be undone. */
  force(step: Step): void {
    if (!step.isFree) this.#machine.force(step.bounce);
    this.#do({ kind: 'finish', step, slot: -1 });
  }

  /** Where the trail ends now. */
  get mark(): number {
    return this.#trail.length;
  }

  /** Steps that were finished since that mark, in order. */
  finishedSince(mark: number): Step[] {
    const finished = this.#trail.slice(mark).filter(({ kind }) => kind === 'finish');
    return finished.map(({ step }) => step);
  }

  /** What is finished, what is open and where the areas search next, as text. */
  state(): string {
    const open = [...this.open].map(({ at, isFree, bounce }) => `${at}${isFree ? 'f' : this.#scans[bounce.id]}`);
    return `${this.#next} ${open.sort().join()} ${this.#machine.pool.areaIndex.join()}`;
  }

  undoTo(mark: number): void {
    while (this.#trail.length > mark) this.#undo(this.#trail.pop()!);
  }

  #do(change: Change): void {
    const { kind, step } = change;
    this.#trail.push(change);
    if (kind === 'begin') {
      this.#next++;
      this.open.add(step);
    } else if (kind === 'scan') {
      this.#scans[step.bounce.id]++;
    } else {
      this.open.delete(step);
      this.finished.add(step);
      if (!step.isFree) this.#mapped[step.bounce.id] = true;
    }
  }

  #undo({ kind, step, slot }: Change): void {
    if (kind === 'begin') {
      this.#next--;
      this.open.delete(step);
    } else if (kind === 'scan') {
      this.#scans[step.bounce.id]--;
    } else {
      this.finished.delete(step);
      this.open.add(step);
      if (step.isFree) this.#machine.unfree(step.bounce, slot);
      else this.#mapped[step.bounce.id] = false;
      if (!step.isFree && slot >= 0) this.#machine.unclaim(step.bounce);
    }
  }
}
