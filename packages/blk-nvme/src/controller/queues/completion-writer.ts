import { high32, set } from '../../spec/bits.ts';
import { CQE_BYTES, CqeWord } from '../../spec/cqe.ts';
import { Csts } from '../../spec/registers.ts';
import type { ControllerState } from '../state/controller-state.ts';
import type { InterruptSignal } from './interrupt-signal.ts';

/** Entries that wait to be written with one request. */
const BATCH_MAX = 16;
const CQE_WORDS: number = CQE_BYTES / 4;

/**
 * Writes completions (spec N132): those that lie side by side in one queue go out together, at the end of a step or when
 * the next one does not fit. The interrupt comes after the write, as the data of the commands came before it.
 */
export class CompletionWriter {
  readonly #c: ControllerState;
  readonly #interrupts: InterruptSignal;
  readonly #bytes = new Uint8Array(BATCH_MAX * CQE_BYTES);
  readonly #words = new Uint32Array(this.#bytes.buffer);
  #cqid = 0;
  /** Place of the first entry in its queue. */
  #first = 0;
  #count = 0;
  /** Resets that were seen when the batch began: a later one makes it void. */
  #generation = 0;

  constructor(state: ControllerState, interrupts: InterruptSignal) {
    this.#c = state;
    this.#interrupts = interrupts;
  }

  /** Takes the queue's next entry, which the caller saw is free. */
  add(cqid: number, sqid: number, cid: number, status: number, dw0: number): void {
    const { cqs, sqs, memory } = this.#c;
    const place = cqs.tail[cqid];
    const fits = this.#cqid === cqid && place === this.#first + this.#count && this.#count < BATCH_MAX;
    if (this.#count > 0 && (!fits || this.#generation !== memory.generation)) this.flush();
    if (this.#count === 0) {
      this.#cqid = cqid;
      this.#first = place;
      this.#generation = memory.generation;
    }
    const at = this.#count * CQE_WORDS;
    this.#words[at + CqeWord.DW0] = dw0;
    this.#words[at + CqeWord.DW1] = high32(dw0);
    this.#words[at + CqeWord.SQ] = sqs.head[sqid] | (sqid << 16);
    this.#words[at + CqeWord.STATUS] = cid | (cqs.phase[cqid] << 16) | (status << 17);
    this.#count++;
    cqs.advanceTail(cqid);
  }

  /** Sends what waits; true when there was anything. Entries of before a reset are dropped. */
  flush(): boolean {
    const count = this.#count;
    if (count === 0) return false;
    this.#count = 0;
    const c = this.#c;
    if (this.#generation !== c.memory.generation) return true;
    // In address order: of each entry the status word with the phase is the last that a reader can see change.
    const at = c.cqs.base[this.#cqid] + this.#first * CQE_BYTES;
    const fault = c.memory.write(at, this.#bytes, 0, count * CQE_BYTES);
    if (this.#generation !== c.memory.generation) return true;
    // A completion that cannot be told leaves the host waiting for ever (spec N125).
    if (fault !== 0) c.registers.csts = set(c.registers.csts, Csts.CFS, 1);
    else this.#interrupts.posted(this.#cqid, count);
    return true;
  }
}
