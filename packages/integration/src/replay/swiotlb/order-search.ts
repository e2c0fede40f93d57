import type { BounceHistory, Step } from './bounce.ts';
import type { PoolMachine } from './pool-machine.ts';
import { StepBoard } from './step-board.ts';

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
  readonly #board: StepBoard;
  readonly #limits: OrderSearchLimits;
  readonly #mappings: number;
  readonly #choices: Choice[] = [];
  readonly #given = new Map<number, number>();
  /** The way to the furthest dead end so far. */
  #best: { readonly finished: number; readonly floor: number; readonly path: readonly Step[] } | null = null;
  /** States that the search was in since its oldest choice. */
  readonly #seen = new Set<string>();
  #tried = 0;
  #triedInAll = 0;

  constructor(machine: PoolMachine, history: BounceHistory, limits: OrderSearchLimits) {
    this.#board = new StepBoard(machine, history);
    this.#limits = limits;
    this.#mappings = history.bounces.length;
  }

  run(): Comparison {
    for (;;) {
      this.#board.advance();
      if (this.#board.open.size === 0 || this.#given.size > this.#limits.unexplained) break;
      const fitting = this.#isNew() ? this.#board.fitting() : [];
      if (fitting.length > 0) this.#choose(fitting);
      else this.#unblock();
    }
    return { verdicts: this.#verdicts(), given: this.#given };
  }

  /** False if the search has been here before, on another way: what lies behind is known to end dead. */
  #isNew(): boolean {
    if (this.#choices.length === 0) return true;
    const state = this.#board.state();
    if (this.#seen.has(state)) return false;
    this.#seen.add(state);
    return true;
  }

  #choose([first, ...others]: Step[]): void {
    if (others.length > 0 && this.#mayTry()) {
      this.#choices.push({ mark: this.#board.mark, others });
      if (this.#choices.length > DEPTH) this.#choices.shift();
    }
    this.#board.go(first);
  }

  #mayTry(): boolean {
    return this.#tried < this.#limits.movesForOne && this.#triedInAll < this.#limits.moves;
  }

  /** Nothing fits: goes back to another choice, or gives up on the step that is due. */
  #unblock(): void {
    this.#remember();
    while (this.#mayTry() && this.#choices.length > 0) {
      const { mark, others } = this.#choices[this.#choices.length - 1];
      const other = others.shift();
      if (other === undefined) {
        this.#choices.pop();
        continue;
      }
      this.#board.undoTo(mark);
      this.#tried++;
      this.#triedInAll++;
      this.#board.go(other);
      return;
    }
    this.#giveUp();
  }

  #remember(): void {
    const finished = this.#board.finished.size;
    if (this.#best !== null && finished <= this.#best.finished) return;
    const floor = this.#choices[0]?.mark ?? this.#board.mark;
    this.#best = { finished, floor, path: this.#board.finishedSince(floor) };
    this.#tried = 0;
  }

  /** Returns to the furthest dead end and does there what the kernel did, explained or not. */
  #giveUp(): void {
    const board = this.#board;
    const { floor, path } = this.#best!;
    board.undoTo(floor);
    for (const step of path) {
      board.advance();
      if (!board.finished.has(step)) board.go(step);
    }
    board.advance();
    const due = [...board.open].sort((a, b) => a.until - b.until || a.at - b.at);
    const step = due.find(({ isFree }) => !isFree) ?? due[0];
    if (!step.isFree) this.#given.set(step.bounce.id, board.wouldGive(step.bounce));
    board.force(step);
    this.#choices.length = 0;
    this.#seen.clear();
    this.#best = null;
    this.#tried = 0;
  }

  /** A mapping was reordered if a step printed before it went after it, or the other way round. */
  #verdicts(): Verdict[] {
    const order = this.#board.finishedSince(0);
    const verdicts = new Array<Verdict>(this.#mappings).fill('exact');
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
