import { join64 } from '../../spec/bits.ts';
import { AER_ERROR_INVALID_DB_REG, AER_ERROR_INVALID_DB_VALUE, AsyncEventType, LogPage } from '../../spec/log-pages.ts';
import { Register } from '../../spec/registers.ts';
import type { ControllerState } from '../state/controller-state.ts';

/** A write at or above the first doorbell: takes the new tail or head, and does nothing else (spec B40, N131). */
export function writeDoorbell(c: ControllerState, offset: number, value: number): void {
  const index = (offset - Register.DOORBELLS) / c.doorbellStrideBytes;
  if (!Number.isInteger(index)) return;
  const qid = index >>> 1;
  const isCompletion = (index & 1) === 1;
  if (!(isCompletion ? c.cqs.exists(qid) : c.sqs.exists(qid))) {
    c.events.raise(AsyncEventType.ERROR, AER_ERROR_INVALID_DB_REG, LogPage.ERROR);
    return;
  }
  const accepted = isCompletion ? c.cqs.acceptHead(qid, value) : c.sqs.acceptTail(qid, value);
  if (accepted && isCompletion) c.wire?.settle();
  if (!accepted) c.events.raise(AsyncEventType.ERROR, AER_ERROR_INVALID_DB_VALUE, LogPage.ERROR);
}

/** Bytes of one u32 in the shadow buffers; a pair lies where the doorbell registers would (spec N66). */
const WORD_BYTES = 4;
const word = new Uint8Array(WORD_BYTES);
const wordValue = new Uint32Array(word.buffer);

/**
 * Looks at the shadow doorbells of the I/O queues (spec N135): publishes what was seen as event index, then looks again,
 * since the host may have moved on between the two without a register write. True when something moved; a fault of the
 * shadow buffer reads as nothing moved.
 */
export function pollShadowDoorbells(c: ControllerState): boolean {
  let moved = false;
  for (let qid = 1; qid <= c.sqs.last; qid++) {
    if (c.sqs.size[qid] !== 0) while (takeShadow(c, qid, 0)) moved = true;
    if (c.cqs.size[qid] !== 0) while (takeShadow(c, qid, 1)) moved = true;
  }
  return moved;
}

function takeShadow(c: ControllerState, qid: number, isCompletion: 0 | 1): boolean {
  const offset = (2 * qid + isCompletion) * c.doorbellStrideBytes;
  if (c.memory.read(c.shadowDoorbells + offset, word, 0, WORD_BYTES) !== 0) return false;
  const value = join64(wordValue[0], 0);
  const known = isCompletion === 1 ? c.cqs.head[qid] : c.sqs.tail[qid];
  if (value === known) return false;
  const accepted = isCompletion === 1 ? c.cqs.acceptHead(qid, value) : c.sqs.acceptTail(qid, value);
  if (!accepted) return false;
  c.memory.write(c.eventIndexes + offset, word, 0, WORD_BYTES);
  return true;
}
