import { CQE_BYTES, CqeWord } from '../../spec/cqe.ts';
import { SQE_BYTES } from '../../spec/sqe.ts';
import type { DeviceBacking } from '../device-backing.ts';
import type { QueueMemory, SubmissionRing } from './queue-memory.ts';
import type { ShadowDoorbells } from './shadow-doorbells.ts';

const PHASE = 1 << 16;

/** One queue pair as the driver has it (spec N51). */
export class NvmeQueue {
  readonly qid: number;
  readonly depth: number;
  readonly sq: SubmissionRing;
  readonly cq: QueueMemory;
  readonly polled: boolean;
  /** Interrupt vector; -1 while none is requested. */
  vector = -1;
  enabled = false;
  sqTail = 0;
  /** Tail that the device was last told. */
  lastSqTail = 0;
  cqHead = 0;
  cqPhase = 1;
  /** Taken over by {@link ShadowDoorbells} once the device agreed (spec N66). */
  shadow: ShadowDoorbells | null = null;
  readonly #backing: DeviceBacking;
  readonly #sqDoorbell: number;
  readonly #cqDoorbell: number;

  constructor(
    backing: DeviceBacking,
    qid: number,
    rings: { readonly sq: SubmissionRing; readonly cq: QueueMemory },
    doorbells: { readonly sq: number; readonly cq: number },
    polled: boolean,
  ) {
    this.#backing = backing;
    this.qid = qid;
    this.sq = rings.sq;
    this.cq = rings.cq;
    this.depth = rings.cq.entryPhys.length;
    this.polled = polled;
    this.#sqDoorbell = doorbells.sq;
    this.#cqDoorbell = doorbells.cq;
  }

  /** Back to empty, as a controller that was just told of it sees it (spec N56, step 9). */
  init(): void {
    this.sqTail = 0;
    this.lastSqTail = 0;
    this.cqHead = 0;
    this.cqPhase = 1;
    this.cq.zero();
    this.shadow?.resetQueue(this.qid);
    this.enabled = true;
  }

  /** Copies a command to the tail; `last` false: more follow before the device is told (spec N75). */
  submit(command: Uint32Array, last: boolean): void {
    this.sq.store(this.sqTail, command);
    if (++this.sqTail === this.depth) this.sqTail = 0;
    const next = this.sqTail + 1 === this.depth ? 0 : this.sqTail + 1;
    // A tail that came round to the last told one would read as "nothing new".
    if (last || next === this.lastSqTail) this.ring();
  }

  /** Tells the device of everything up to the tail. */
  ring(): void {
    if (this.sqTail === this.lastSqTail) return;
    this.lastSqTail = this.sqTail;
    if (this.shadow === null || this.shadow.ringSq(this.qid, this.sqTail)) {
      this.#backing.writeRegister(this.#sqDoorbell, this.sqTail);
    }
  }

  /** A completion waits at the head (spec N90). */
  hasCompletion(): boolean {
    return ((this.cq.word(this.cqHead, CqeWord.STATUS) & PHASE) !== 0 ? 1 : 0) === this.cqPhase;
  }

  /** A word of the completion at the head, unsigned. */
  cqeWord(word: number): number {
    return this.cq.word(this.cqHead, word) >>> 0;
  }

  advanceHead(): void {
    if (++this.cqHead < this.depth) return;
    this.cqHead = 0;
    this.cqPhase ^= 1;
  }

  /** Tells the device how far completions were taken: once for all of them. */
  ringCq(): void {
    if (this.shadow === null || this.shadow.ringCq(this.qid, this.cqHead)) {
      this.#backing.writeRegister(this.#cqDoorbell, this.cqHead);
    }
  }
}

/** Bytes of the two rings, in the order in which they are allocated: completions first (spec N56, N63). */
export const RING_ENTRY_BYTES = { cq: CQE_BYTES, sq: SQE_BYTES } as const;
