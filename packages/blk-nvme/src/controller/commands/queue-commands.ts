import { get, join64 } from '../../spec/bits.ts';
import { CQES_LOG2 } from '../../spec/cqe.ts';
import { CapLow, Cc } from '../../spec/registers.ts';
import { CreateCqCdw11, CreateQueueCdw10, CreateSqCdw11, SQES_LOG2, SqeWord } from '../../spec/sqe.ts';
import { dnr, Status } from '../../spec/status.ts';
import type { ControllerState } from '../state/controller-state.ts';

/** Create I/O Completion Queue (spec N150). */
export function createCq(c: ControllerState, sqe: Uint32Array): number {
  const qid = get(sqe[SqeWord.CDW10], CreateQueueCdw10.QID);
  const sizeZ = get(sqe[SqeWord.CDW10], CreateQueueCdw10.QSIZE);
  const vector = get(sqe[SqeWord.CDW11], CreateCqCdw11.IV);
  if (get(c.registers.cc, Cc.IOCQES) !== CQES_LOG2 || !sizeFits(c, sizeZ)) return dnr(Status.QUEUE_SIZE);
  if (qid === 0 || qid >= c.cqs.count || c.cqs.exists(qid)) return dnr(Status.QID_INVALID);
  const base = join64(sqe[SqeWord.PRP1], sqe[SqeWord.PRP1 + 1]);
  if (base % c.pageBytes !== 0) return dnr(Status.PRP_INVALID_OFFSET);
  // CMBSZ.CQS is 0: completions are for host memory (spec N144).
  if (c.memory.cmb.contains(base, 1)) return dnr(Status.CMB_INVALID_USE);
  if (vector >= c.config.vectors) return dnr(Status.INVALID_VECTOR);
  if (get(sqe[SqeWord.CDW11], CreateCqCdw11.PC) === 0) return dnr(Status.INVALID_FIELD);
  c.cqs.create(qid, base, sizeZ + 1, vector, get(sqe[SqeWord.CDW11], CreateCqCdw11.IEN));
  return Status.SUCCESS;
}

/** Create I/O Submission Queue (spec N150). */
export function createSq(c: ControllerState, sqe: Uint32Array): number {
  const qid = get(sqe[SqeWord.CDW10], CreateQueueCdw10.QID);
  const sizeZ = get(sqe[SqeWord.CDW10], CreateQueueCdw10.QSIZE);
  const cqid = get(sqe[SqeWord.CDW11], CreateSqCdw11.CQID);
  if (cqid === 0 || !c.cqs.exists(cqid)) return dnr(Status.CQ_INVALID);
  if (qid === 0 || qid >= c.sqs.count || c.sqs.exists(qid)) return dnr(Status.QID_INVALID);
  if (get(c.registers.cc, Cc.IOSQES) !== SQES_LOG2 || !sizeFits(c, sizeZ)) return dnr(Status.QUEUE_SIZE);
  const base = join64(sqe[SqeWord.PRP1], sqe[SqeWord.PRP1 + 1]);
  if (base % c.pageBytes !== 0) return dnr(Status.PRP_INVALID_OFFSET);
  if (get(sqe[SqeWord.CDW11], CreateSqCdw11.PC) === 0) return dnr(Status.INVALID_FIELD);
  c.sqs.create(qid, base, sizeZ + 1, cqid, get(sqe[SqeWord.CDW11], CreateSqCdw11.QPRIO));
  return Status.SUCCESS;
}

/** Delete I/O Submission Queue: what it still has in flight is answered first, as aborted (spec N150). */
export function deleteSq(c: ControllerState, sqe: Uint32Array): number {
  const qid = get(sqe[SqeWord.CDW10], CreateQueueCdw10.QID);
  if (qid === 0 || !c.sqs.exists(qid)) return dnr(Status.QID_INVALID);
  for (let slot = 0; slot < c.outstanding.count; slot++) {
    if (c.outstanding.sqid[slot] === qid) c.outstanding.abort(slot, Status.ABORT_QUEUE);
  }
  c.sqs.remove(qid);
  return Status.SUCCESS;
}

/** Delete I/O Completion Queue (spec N150). */
export function deleteCq(c: ControllerState, sqe: Uint32Array): number {
  const qid = get(sqe[SqeWord.CDW10], CreateQueueCdw10.QID);
  if (qid === 0 || !c.cqs.exists(qid)) return dnr(Status.QID_INVALID);
  if (c.sqs.usesCompletionQueue(qid)) return dnr(Status.INVALID_QUEUE);
  c.cqs.remove(qid);
  c.wire?.settle();
  return Status.SUCCESS;
}

function sizeFits(c: ControllerState, sizeZ: number): boolean {
  return sizeZ >= 1 && sizeZ <= get(c.registers.capLow, CapLow.MQES);
}
