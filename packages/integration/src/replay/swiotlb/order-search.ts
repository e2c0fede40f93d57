import type { Bounce, BounceHistory, Step } from './bounce.ts';
import type { PoolMachine } from './pool-machine.ts';

const PAGE = 4096;

/**
 * How a mapping of the trace compares with ours: our pool gives the kernel's result in the printed order; in another
 * order that the trace permits (spec S99); or in none that was tried.
 */
export type Verdict = 'exact' | 'reordered' | 'unexplained';

export interface Comparison {
  /** By bounce id. */
  readonly verdicts: readonly Verdict[];
  /** What our pool gave instead, by id of an unexplained bounce: an address, or -1. */
  readonly given: ReadonlyMap<number, number>;
}

export interface OrderSearchLimits {
  /** Moves to try for each result that the printed order doesn't explain; 0 for none. */
  readonly movesForOne: number;
  /** Moves to try in all. */
  readonly moves: number;
  /** Stop once more than so many results are unexplained; what comes after counts as exact. */
  readonly unexplained: number;
}

/** No search: every step goes as soon as the trace permits it and our pool gives its result. */
export const PRINTED_ORDER: OrderSearchLimits = { movesForOne: 0, moves: 0, unexplained: Number.POSITIVE_INFINITY };

/**
 * Finds an order of a trace's steps in which our pool gives every result that the kernel's gave (spec S99, S141): depth
 * first, printed order first. A scan that fails as it should changes nothing, so it is made as soon as it fits; what is
 * left to be ordered are claims and frees.
 */
export function compareInOrder(machine: PoolMachine, history: BounceHistory, limits: OrderSearchLimits): Comparison {
  return new OrderSearch(machine, history, limits).run();
}

/** One thing that the search did and may take back. */
interface Change {
  readonly kind: 'begin' | 'scan' | 'finish';
  readonly step: Step;
  /** finish: slot that was claimed or freed, -1 for none. */
  readonly slot: number;
}

/** A point where other steps could have gone. */
interface Choice {
  /** Length of the trail before it. */
  readonly mark: number;
  /** Those not tried yet, best first. */
  readonly others: Step[];
}

/** How many choices the search remembers; older ones stand. */
const DEPTH = 2000;

class OrderSearch {
  readonly #machine: PoolMachine;
  readonly #limits: OrderSearchLimits;
  /** All steps, by the start of their windows. */
  readonly #steps: readonly Step[];
  /** First step whose window has not begun. */
  #next = 0;
  /** Steps whose windows have begun and that are not finished. */
  readonly #open = new Set<Step>();
  readonly #finished = new Set<Step>();
  /** Areas that each mapping has scanned in vain, and whether it is finished, by bounce id. */
  readonly #scans: number[];
  readonly #mapped: boolean[];
  readonly #trail: Change[] = [];
  readonly #choices: Choice[] = [];
  readonly #given = new Map<number, number>();
  /** The way to the furthest dead end so far. */
  #best: { readonly finished: number; readonly floor: number; readonly path: readonly Step[] } | null = null;
  #tried = 0;
  /** States of this search: what is finished, what is open and where the areas search next. */
  readonly #seen = new Set<string>();
  #triedInAll = 0;

  constructor(machine: PoolMachine, history: BounceHistory, limits: OrderSearchLimits) {
    this.#machine = machine;
    this.#limits = limits;
    this.#steps = history.steps.toSorted((a, b) => a.from - b.from || a.at - b.at);
    this.#scans = history.bounces.map(() => 0);
    this.#mapped = history.bounces.map(() => false);
  }

  run(): Comparison {
    for (;;) {
      this.#advance();
      if (this.#open.size === 0 || this.#given.size > this.#limits.unexplained) break;
      const fitting = this.#isNew() ? this.#fitting() : [];
      if (fitting.length > 0) this.#choose(fitting);
      else this.#unblock();
    }
    return { verdicts: this.#verdicts(), given: this.#given };
  }

  /** Begins every step whose window must be open now, and makes the scans that fail as they should. */
  #advance(): void {
    for (let changed = true; changed; ) {
      changed = false;
      const deadline = this.#deadline();
      if (this.#next < this.#steps.length && this.#steps[this.#next].from < deadline) {
        this.#do({ kind: 'begin', step: this.#steps[this.#next], slot: -1 });
        changed = true;
        continue;
      }
      for (const step of this.#open) changed = (!step.isFree && this.#scan(step)) || changed;
    }
  }

  /** The first event that some open step must come before. */
  #deadline(): number {
    let deadline = Number.POSITIVE_INFINITY;
    for (const { until } of this.#open) if (until < deadline) deadline = until;
    return deadline;
  }

  /** Makes the next scan of a mapping if it is one that fails; true when that changed anything. */
  #scan(step: Step): boolean {
    const { bounce } = step;
    const scans = this.#scans[bounce.id];
    if (scans >= this.#scansInVain(bounce)) return false;
    if (this.#machine.find(bounce, this.#machine.area(bounce, scans)) >= 0) return false;
    this.#do({ kind: 'scan', step, slot: -1 });
    if (bounce.outcome === 'failed' && scans + 1 === this.#machine.pool.areaCount) {
      this.#do({ kind: 'finish', step, slot: -1 });
    }
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

  /** False if the search has been here before, on another way: what lies behind is known to end dead. */
  #isNew(): boolean {
    if (this.#choices.length === 0) return true;
    const open = [...this.#open].map(({ at, isFree, bounce }) => `${at}${isFree ? 'f' : this.#scans[bounce.id]}`);
    const state = `${this.#next} ${open.sort().join()} ${this.#machine.pool.areaIndex.join()}`;
    if (this.#seen.has(state)) return false;
    this.#seen.add(state);
    return true;
  }

  /** Open steps that give the trace's result if they go now, in printed order. */
  #fitting(): Step[] {
    const fitting: Step[] = [];
    for (const step of this.#open) {
      if (step.after !== null && !this.#finished.has(step.after)) continue;
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

  #choose(fitting: Step[]): void {
    const [first, ...others] = fitting;
    if (others.length > 0 && this.#mayTry()) {
      this.#choices.push({ mark: this.#trail.length, others });
      if (this.#choices.length > DEPTH) this.#choices.shift();
    }
    this.#go(first);
  }

  #go(step: Step): void {
    const slot = step.isFree ? this.#machine.free(step.bounce) : this.#slotFor(step.bounce);
    if (!step.isFree) this.#machine.claim(step.bounce, slot);
    this.#do({ kind: 'finish', step, slot });
  }

  #mayTry(): boolean {
    return this.#tried < this.#limits.movesForOne && this.#triedInAll < this.#limits.moves;
  }

  /** Nothing fits: goes back to another choice, or gives up on the step that is due. */
  #unblock(): void {
    if (this.#best === null || this.#finished.size > this.#best.finished) {
      const floor = this.#choices[0]?.mark ?? this.#trail.length;
      const path = this.#trail.slice(floor).filter(({ kind }) => kind === 'finish');
      this.#best = { finished: this.#finished.size, floor, path: path.map(({ step }) => step) };
      this.#tried = 0;
    }
    while (this.#mayTry() && this.#choices.length > 0) {
      const { mark, others } = this.#choices[this.#choices.length - 1];
      const other = others.shift();
      if (other === undefined) {
        this.#choices.pop();
        continue;
      }
      this.#undoTo(mark);
      this.#tried++;
      this.#triedInAll++;
      this.#go(other);
      return;
    }
    this.#giveUp();
  }

  /** Returns to the furthest dead end and does there what the kernel did, explained or not. */
  #giveUp(): void {
    const { floor, path } = this.#best!;
    this.#undoTo(floor);
    for (const step of path) {
      this.#advance();
      if (!this.#finished.has(step)) this.#go(step);
    }
    this.#advance();
    const due = [...this.#open].sort((a, b) => a.until - b.until || a.at - b.at);
    this.#force(due.find(({ isFree }) => !isFree) ?? due[0]);
    this.#choices.length = 0;
    this.#seen.clear();
    this.#best = null;
    this.#tried = 0;
  }

  #force(step: Step): void {
    const { bounce } = step;
    if (!step.isFree) {
      this.#given.set(bounce.id, this.#wouldGive(bounce));
      this.#machine.force(bounce);
    }
    this.#do({ kind: 'finish', step, slot: -1 });
  }

  /** What our pool gives the mapping now, whatever the trace says. */
  #wouldGive(bounce: Bounce): number {
    for (let scan = 0; scan < this.#machine.pool.areaCount; scan++) {
      const slot = this.#machine.find(bounce, this.#machine.area(bounce, scan));
      if (slot >= 0) return this.#machine.addressAt(slot);
    }
    return -1;
  }

  #do(change: Change): void {
    const { kind, step } = change;
    this.#trail.push(change);
    if (kind === 'begin') {
      this.#next++;
      this.#open.add(step);
    } else if (kind === 'scan') {
      this.#scans[step.bounce.id]++;
    } else {
      this.#open.delete(step);
      this.#finished.add(step);
      if (!step.isFree) this.#mapped[step.bounce.id] = true;
    }
  }

  #undoTo(mark: number): void {
    while (this.#trail.length > mark) {
      const { kind, step, slot } = this.#trail.pop()!;
      if (kind === 'begin') {
        this.#next--;
        this.#open.delete(step);
      } else if (kind === 'scan') {
        this.#scans[step.bounce.id]--;
      } else {
        this.#finished.delete(step);
        this.#open.add(step);
        if (step.isFree) this.#machine.unfree(step.bounce, slot);
        else {
          this.#mapped[step.bounce.id] = false;
          if (slot >= 0) this.#machine.unclaim(step.bounce);
        }
      }
    }
  }

  /** A mapping was reordered if a step printed before it went after it, or the other way round. */
  #verdicts(): Verdict[] {
    const order = this.#trail.filter(({ kind }) => kind === 'finish').map(({ step }) => step);
    const verdicts: Verdict[] = this.#mapped.map(() => 'exact');
    let latest = Number.NEGATIVE_INFINITY;
    for (const { bounce, isFree, at } of order) {
      if (!isFree && at < latest) verdicts[bounce.id] = 'reordered';
      latest = Math.max(latest, at);
    }
    let earliest = Number.POSITIVE_INFINITY;
    for (const { bounce, isFree, at } of order.reverse()) {
      if (!isFree && at > earliest) verdicts[bounce.id] = 'reordered';
      earliest = Math.min(earliest, at);
    }
    for (const id of this.#given.keys()) verdicts[id] = 'unexplained';
    return verdicts;
  }
}
