import { SQE_BYTES } from '../../spec/sqe.ts';

const WORDS = SQE_BYTES / 4;

/** Waits for its time to be executed. */
export const STAGE_EXECUTE = 1;
/** Executed; waits for its time or for room in its completion queue. */
export const STAGE_POST = 2;

/**
 * Commands that were fetched and have no completion yet, in no order: those delayed by latency or by a fault rule, and
 * those whose completion queue is full. A command that completes at once never comes here.
 */
export class OutstandingCommands {
  count = 0;
  stage = new Uint8Array(64);
  sqid = new Int32Array(64);
  cid = new Int32Array(64);
  status = new Int32Array(64);
  dw0 = new Float64Array(64);
  dueNanos = new Float64Array(64);
  /** Counts up: the oldest command has the least. */
  order = new Float64Array(64);
  words = new Uint32Array(64 * WORDS);
  #added = 0;
  /** Nothing is due before this time; kept by whoever looks through them all. */
  soonestNanos = Number.POSITIVE_INFINITY;

  /** Spares the look at each command, which at a queue depth of 32 costs as much as the rest of a step. */
  mayBeDue(nowNanos: number): boolean {
    return this.count > 0 && this.soonestNanos <= nowNanos;
  }

  add(stage: number, sqid: number, sqe: Uint32Array, dueNanos: number, status: number, dw0: number, cid: number): void {
    if (this.count === this.stage.length) this.#grow();
    const slot = this.count++;
    this.stage[slot] = stage;
    this.sqid[slot] = sqid;
    this.cid[slot] = cid;
    this.status[slot] = status;
    this.dw0[slot] = dw0;
    this.dueNanos[slot] = dueNanos;
    this.order[slot] = this.#added++;
    if (dueNanos < this.soonestNanos) this.soonestNanos = dueNanos;
    const at = slot * WORDS;
    for (let i = 0; i < WORDS; i++) this.words[at + i] = sqe[i];
  }

  copyCommand(slot: number, into: Uint32Array): void {
    const at = slot * WORDS;
    for (let i = 0; i < WORDS; i++) into[i] = this.words[at + i];
  }

  /** The last command takes the place: of seven columns, shifting those behind it cost ten times as much. */
  remove(slot: number): void {
    const last = --this.count;
    if (slot === last) return;
    this.stage[slot] = this.stage[last];
    this.sqid[slot] = this.sqid[last];
    this.cid[slot] = this.cid[last];
    this.status[slot] = this.status[last];
    this.dw0[slot] = this.dw0[last];
    this.dueNanos[slot] = this.dueNanos[last];
    this.order[slot] = this.order[last];
    for (let i = 0; i < WORDS; i++) this.words[slot * WORDS + i] = this.words[last * WORDS + i];
  }

  /** Slot of a command, or -1. */
  find(sqid: number, cid: number): number {
    for (let slot = 0; slot < this.count; slot++) {
      if (this.sqid[slot] === sqid && this.cid[slot] === cid) return slot;
    }
    return -1;
  }

  /** Commands of one queue with that opcode. */
  countOf(sqid: number, opcode: number): number {
    let count = 0;
    for (let slot = 0; slot < this.count; slot++) {
      if (this.sqid[slot] === sqid && (this.words[slot * WORDS] & 0xff) === opcode) count++;
    }
    return count;
  }

  /** The command will not be executed: it only waits to be answered. */
  abort(slot: number, status: number): void {
    this.stage[slot] = STAGE_POST;
    this.status[slot] = status;
    this.dueNanos[slot] = 0;
    this.soonestNanos = 0;
  }

  /** Earliest time that something becomes due, or Infinity. */
  get nextDueNanos(): number {
    let next = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.count; slot++) if (this.dueNanos[slot] < next) next = this.dueNanos[slot];
    return next;
  }

  clear(): void {
    this.count = 0;
  }

  #grow(): void {
    this.stage = enlarged(this.stage, new Uint8Array(this.stage.length * 2));
    this.sqid = enlarged(this.sqid, new Int32Array(this.sqid.length * 2));
    this.cid = enlarged(this.cid, new Int32Array(this.cid.length * 2));
    this.status = enlarged(this.status, new Int32Array(this.status.length * 2));
    this.dw0 = enlarged(this.dw0, new Float64Array(this.dw0.length * 2));
    this.dueNanos = enlarged(this.dueNanos, new Float64Array(this.dueNanos.length * 2));
    this.order = enlarged(this.order, new Float64Array(this.order.length * 2));
    this.words = enlarged(this.words, new Uint32Array(this.words.length * 2));
  }
}

function enlarged<A extends { set(from: A): void }>(from: A, into: A): A {
  into.set(from);
  return into;
}
