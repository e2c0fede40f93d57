import { get, join64, set } from '../spec/bits.ts';
import { AdminOpcode } from '../spec/opcodes.ts';
import { Csts } from '../spec/registers.ts';
import { Cdw0, SQE_BYTES, SqeWord } from '../spec/sqe.ts';
import { dnr, NVME_STATUS_MORE, Status } from '../spec/status.ts';
import { untilCompletion, untilExecution } from './command-time.ts';
import { executeAdmin } from './commands/admin.ts';
import { NO_COMPLETION } from './commands/no-completion.ts';
import { executeNvm } from './commands/nvm.ts';
import { BIT_BUCKET } from './data/transfer-ranges.ts';
import { Arbiter } from './queues/arbiter.ts';
import { CompletionWriter } from './queues/completion-writer.ts';
import { InterruptSignal } from './queues/interrupt-signal.ts';
import { STAGE_EXECUTE, STAGE_POST } from './queues/outstanding-commands.ts';
import { pollShadowDoorbells } from './registers/doorbells.ts';
import { ABORT_LIMIT, type ControllerState } from './state/controller-state.ts';
import type { FaultAction } from './state/fault-rules.ts';

/** Entries that one request fetches at most. */
const FETCH_MAX = 16;
const SQE_WORDS: number = SQE_BYTES / 4;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Fetches, executes and completes commands: everything that a step does, and all of the controller's DMA. Invariant:
 * after each request on the port a reset may have come (spec B40), so a changed generation ends the step.
 */
export class CommandLoop {
  readonly #c: ControllerState;
  readonly #fetchedBytes = new Uint8Array(FETCH_MAX * SQE_BYTES);
  /** A view of each entry of the buffer, made once. */
  readonly #fetched = Array.from(
    { length: FETCH_MAX },
    (_, i) => new Uint32Array(this.#fetchedBytes.buffer, i * SQE_BYTES, SQE_WORDS),
  );
  /** Holds a command that is executed later than it was fetched. */
  readonly #kept = new Uint32Array(SQE_WORDS);
  /** The command in hand. */
  #sqe: Uint32Array = this.#kept;
  readonly #completions: CompletionWriter;
  readonly #interrupts: InterruptSignal;
  readonly #arbiter: Arbiter;

  constructor(state: ControllerState) {
    this.#c = state;
    this.#arbiter = new Arbiter(state);
    this.#interrupts = new InterruptSignal(state);
    this.#completions = new CompletionWriter(state, this.#interrupts);
  }

  /** One bounded piece of work; false when there was nothing to do. */
  step(): boolean {
    const c = this.#c;
    const finished = c.background.count > 0 && c.background.runDue(c.nowNanos);
    if (c.nowNanos >= c.keepAliveDueNanos) this.#hostIsGone();
    if (c.registers.csts !== READY && !this.#mayWork()) return finished;
    const generation = c.memory.generation;
    let worked = this.#mayFetch() && this.#runCommands();
    if (c.memory.generation !== generation) return true;
    if (c.events.ready && this.#reportEvent()) worked = true;
    if (this.#completions.flush()) worked = true;
    if (this.#interrupts.signal()) worked = true;
    return worked || finished;
  }

  /** False while firmware is activated: nothing is fetched, but what is done is told (spec N95). */
  #mayFetch(): boolean {
    return get(this.#c.registers.csts, Csts.PP) === 0;
  }

  /** What waited, what shadow doorbells announce, the admin queue, and one I/O queue. */
  #runCommands(): boolean {
    const c = this.#c;
    const generation = c.memory.generation;
    let worked = c.outstanding.mayBeDue(c.nowNanos) && this.#runDue();
    if (c.shadowDoorbells >= 0 && pollShadowDoorbells(c)) worked = true;
    if (c.sqs.head[0] !== c.sqs.tail[0] && this.#runQueue(0, 1)) worked = true;
    if (c.memory.generation !== generation) return true;
    const qid = this.#arbiter.next();
    return (qid !== 0 && this.#runQueue(qid, this.#arbiter.burst(qid))) || worked;
  }

  /** RDY, not fatal: the states that are not exactly "ready and nothing else". */
  #mayWork(): boolean {
    const { csts } = this.#c.registers;
    return get(csts, Csts.RDY) === 1 && get(csts, Csts.CFS) === 0;
  }

  /** Up to `limit` commands of one queue: entries that lie side by side are fetched with one request. */
  #runQueue(qid: number, limit: number): boolean {
    const c = this.#c;
    const { sqs } = c;
    const generation = c.memory.generation;
    let done = 0;
    while (done < limit && sqs.size[qid] !== 0) {
      const count = this.#fetchable(qid, limit - done);
      if (count === 0) break;
      const at = sqs.base[qid] + sqs.head[qid] * SQE_BYTES;
      if (c.memory.read(at, this.#fetchedBytes, 0, count * SQE_BYTES) !== 0) {
        if (c.memory.generation === generation) this.#fatal();
        return true;
      }
      for (let i = 0; i < count; i++) {
        const next = sqs.head[qid] + 1;
        sqs.head[qid] = next === sqs.size[qid] ? 0 : next;
        this.#sqe = this.#fetched[i];
        this.#begin(qid);
        if (c.memory.generation !== generation || get(c.registers.csts, Csts.CFS) === 1) return true;
      }
      done += count;
    }
    return done > 0;
  }

  /** Commands that can be fetched at once: waiting, before the ring wraps, and with room for their completions. */
  #fetchable(qid: number, limit: number): number {
    const { sqs, cqs } = this.#c;
    const toWrap = sqs.size[qid] - sqs.head[qid];
    return Math.min(limit, FETCH_MAX, sqs.occupied(qid), toWrap, cqs.room(sqs.cqid[qid]));
  }

  /** A fetched command: executed now, later, or not at all. */
  #begin(sqid: number): void {
    const c = this.#c;
    const cid = get(this.#sqe[SqeWord.CDW0], Cdw0.CID);
    if (sqid === 0 && c.outstanding.count > 0 && this.#tooManyAborts()) {
      this.#complete(sqid, cid, dnr(Status.ABORT_LIMIT), 0);
      return;
    }
    if (c.outstanding.count > 0 && c.outstanding.find(sqid, cid) >= 0) {
      this.#complete(sqid, cid, Status.CMDID_CONFLICT, 0);
      return;
    }
    const fault = c.faults.armed ? c.faults.strike(sqid, this.#sqe) : undefined;
    if (fault !== undefined) {
      this.#beginFaulty(sqid, cid, fault);
      return;
    }
    const wait = sqid === 0 ? 0 : untilExecution(c, this.#sqe);
    if (wait > 0) c.outstanding.add(STAGE_EXECUTE, sqid, this.#sqe, c.nowNanos + wait, 0, 0, cid);
    else this.#execute(sqid, cid);
  }

  /** One more Abort than may be outstanding (spec N150). */
  #tooManyAborts(): boolean {
    const isAbort = get(this.#sqe[SqeWord.CDW0], Cdw0.OPC) === AdminOpcode.ABORT_CMD;
    return isAbort && this.#c.outstanding.countOf(0, AdminOpcode.ABORT_CMD) > ABORT_LIMIT;
  }

  #execute(sqid: number, cid: number): void {
    const c = this.#c;
    const generation = c.memory.generation;
    c.result = 0;
    const status = sqid === 0 ? executeAdmin(c, this.#sqe) : executeNvm(c, this.#sqe);
    if (status === NO_COMPLETION || c.memory.generation !== generation) return;
    const told = status === 0 ? 0 : this.#recorded(sqid, cid, status);
    const { result } = c;
    // What a deleted queue had in flight is answered before its deletion is (spec N150).
    if (sqid === 0 && c.outstanding.count > 0) this.#runDue();
    if (sqid !== 0 && c.config.timing !== null) this.#completeLater(sqid, cid, told, result);
    else this.#complete(sqid, cid, told, result);
  }

  #completeLater(sqid: number, cid: number, status: number, dw0: number): void {
    const due = this.#c.nowNanos + untilCompletion(this.#c, this.#sqe);
    this.#c.outstanding.add(STAGE_POST, sqid, this.#sqe, due, status, dw0, cid);
  }

  /** A failed command leaves an entry in the error log, and says so (spec N172). */
  #recorded(sqid: number, cid: number, status: number): number {
    const isIo = sqid !== 0;
    const lba = isIo ? join64(this.#sqe[SqeWord.CDW10], this.#sqe[SqeWord.CDW10 + 1]) : 0;
    if (!this.#c.config.errorLog) return status;
    this.#c.health.recordError(sqid, cid, status | NVME_STATUS_MORE, lba, this.#sqe[SqeWord.NSID]);
    return status | NVME_STATUS_MORE;
  }

  #beginFaulty(sqid: number, cid: number, fault: FaultAction): void {
    const c = this.#c;
    switch (fault.kind) {
      case 'status':
        this.#complete(sqid, cid, fault.status, 0);
        break;
      case 'delay':
        c.outstanding.add(STAGE_EXECUTE, sqid, this.#sqe, c.nowNanos + fault.nanos, 0, 0, cid);
        break;
      case 'hang':
        c.outstanding.add(STAGE_EXECUTE, sqid, this.#sqe, NEVER, 0, 0, cid);
        break;
      case 'drop':
        if (sqid === 0) executeAdmin(c, this.#sqe);
        else executeNvm(c, this.#sqe);
        break;
      case 'duplicate':
        this.#execute(sqid, cid);
        this.#complete(sqid, cid, Status.SUCCESS, 0);
        break;
      case 'commandId':
        this.#execute(sqid, fault.cid);
        break;
      case 'corruptData':
        this.#execute(sqid, cid);
        this.#invertFirstByte();
        break;
      case 'fatal':
        this.#fatal();
        break;
    }
  }

  #invertFirstByte(): void {
    const { ranges, memory } = this.#c;
    if (ranges.count === 0 || ranges.address[0] === BIT_BUCKET) return;
    const byte = new Uint8Array(1);
    if (memory.read(ranges.address[0], byte, 0, 1) !== 0) return;
    byte[0] ^= 0xff;
    memory.write(ranges.address[0], byte, 0, 1);
  }

  /** Executes and posts what is due, oldest first. */
  #runDue(): boolean {
    const c = this.#c;
    const { outstanding } = c;
    let worked = false;
    while (outstanding.mayBeDue(c.nowNanos)) {
      const slot = this.#oldestDue();
      if (slot < 0) break;
      const sqid = outstanding.sqid[slot];
      const cid = outstanding.cid[slot];
      const { generation } = c.memory;
      worked = true;
      if (outstanding.stage[slot] === STAGE_POST) {
        const status = outstanding.status[slot];
        const dw0 = outstanding.dw0[slot];
        outstanding.remove(slot);
        this.#complete(sqid, cid, status, dw0);
      } else {
        this.#sqe = this.#kept;
        outstanding.copyCommand(slot, this.#kept);
        outstanding.remove(slot);
        this.#execute(sqid, cid);
      }
      if (c.memory.generation !== generation) return true;
    }
    return worked;
  }

  /** The oldest command that is due and can be answered, or -1; and when the next one after it is due. */
  #oldestDue(): number {
    const { outstanding, nowNanos, cqs, sqs } = this.#c;
    const { order, dueNanos, sqid } = outstanding;
    let oldest = -1;
    let soonest = NEVER;
    let due = 0;
    for (let slot = 0; slot < outstanding.count; slot++) {
      const nanos = dueNanos[slot];
      if (nanos > nowNanos || cqs.isFull(sqs.cqid[sqid[slot]])) soonest = Math.min(nanos, soonest);
      else {
        due++;
        if (oldest < 0 || order[slot] < order[oldest]) oldest = slot;
      }
    }
    outstanding.soonestNanos = due > 1 ? 0 : soonest;
    return oldest;
  }

  #reportEvent(): boolean {
    const c = this.#c;
    if (c.cqs.isFull(0)) return false;
    const dw0 = c.events.takeEvent();
    this.#complete(0, c.events.takeRequest(), Status.SUCCESS, dw0);
    return true;
  }

  /** Posts a completion, or keeps it until its queue has room (spec N130). */
  #complete(sqid: number, cid: number, status: number, dw0: number): void {
    const c = this.#c;
    const { cqs } = c;
    const cqid = c.sqs.cqid[sqid];
    if (cqs.size[cqid] === 0) return;
    if (cqs.isFull(cqid)) {
      c.outstanding.add(STAGE_POST, sqid, this.#sqe, 0, status, dw0, cid);
      return;
    }
    this.#completions.add(cqid, sqid, cid, status, dw0);
  }

  /** The keep-alive timer ran out: an entry in the error log, and no more (spec N170, 019h). */
  #hostIsGone(): void {
    this.#c.keepAliveDueNanos = NEVER;
    this.#c.health.recordError(ANY, ANY, Status.KA_TIMEOUT_EXPIRED, 0, 0);
    this.#fatal();
  }

  /** Cannot go on: only a reset helps (spec N125). */
  #fatal(): void {
    this.#c.registers.csts = set(this.#c.registers.csts, Csts.CFS, 1);
  }
}

/** CSTS of a controller that is ready and nothing else. */
const READY = 1;
/** In the error log: of no queue, of no command. */
const ANY = 0xffff;
