import * as slot from '../format/record.ts';
import { NARROW_STRIDE, WIDE_STRIDE } from '../format/record.ts';
import type { TraceLog } from '../log/trace-log.ts';
import {
  CLOSE_BRACKET,
  CLOSE_PARENTHESIS,
  COLON,
  DASH,
  DOT,
  NEWLINE,
  OPEN_BRACKET,
  OPEN_PARENTHESIS,
  SPACE,
  ZERO,
} from './byte.ts';
import type { Cursor } from './cursor.ts';
import { BODY_PLACES } from './event-body.ts';

/** A task name is right-justified to 16 and at most 15 bytes long, so the dash before the pid is here (spec D95). */
const DASH_COLUMN = 16;
const NO_TGID = -2;
const UNKNOWN_TGID = -1;

/** Places of the grammar where names are read: those inside bodies, then the task name and the flags. */
export const NAME_PLACES: number = BODY_PLACES + 2;
const COMM_PLACE = BODY_PLACES;
const FLAGS_PLACE = BODY_PLACES + 1;

/**
 * Parses `TASK-PID [CPU] FLAGS TIME: ` (spec D95) at the cursor into record `i`; false when the line is none.
 * Also without flags (tracer option noirq-info) and with a thread group, `(TGID)`, before the CPU (option record-tgid).
 */
export function parsePrefix(cursor: Cursor, log: TraceLog, i: number): boolean {
  const from = cursor.at;
  cursor.skipSpaces();
  const comm = cursor.at;
  const dash = from + DASH_COLUMN;
  if (isOneLine(cursor.bytes, comm, dash) && parseAfterComm(cursor, log, i, dash)) {
    return keepComm(cursor, log, i, comm, dash);
  }
  return parseUnaligned(cursor, log, i, comm);
}

/** False when a short line ends before `to`: what is there belongs to the next line. */
function isOneLine(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === NEWLINE) return false;
  return true;
}

/** Tools that print traces anew need not keep the columns: then the first dash after which all parses is it. */
function parseUnaligned(cursor: Cursor, log: TraceLog, i: number, comm: number): boolean {
  for (let dash = comm; cursor.bytes[dash] !== NEWLINE; dash++) {
    if (cursor.bytes[dash] !== DASH || dash === comm) continue;
    if (parseAfterComm(cursor, log, i, dash)) return keepComm(cursor, log, i, comm, dash);
  }
  return false;
}

function keepComm(cursor: Cursor, log: TraceLog, i: number, from: number, to: number): boolean {
  const next = cursor.at;
  cursor.at = from;
  log.narrow[i * NARROW_STRIDE + slot.COMM] = cursor.name(log.strings, COMM_PLACE, to);
  cursor.at = next;
  return true;
}

function parseAfterComm(cursor: Cursor, log: TraceLog, i: number, dash: number): boolean {
  const { narrow } = log;
  const at = i * NARROW_STRIDE;
  cursor.at = dash;
  if (!cursor.byte(DASH)) return false;
  const pid = cursor.decimal();
  cursor.skipSpaces();
  const tgid = cursor.bytes[cursor.at] === OPEN_PARENTHESIS ? parseTgid(cursor) : NO_TGID;
  if (!cursor.byte(OPEN_BRACKET)) return false;
  const cpu = cursor.decimal();
  // Not-a-number fails these comparisons too.
  if (!(pid >= 0 && cpu >= 0 && tgid >= NO_TGID)) return false;
  if (!cursor.byte(CLOSE_BRACKET) || !cursor.byte(SPACE)) return false;
  narrow[at + slot.PID] = pid;
  narrow[at + slot.TGID] = tgid;
  narrow[at + slot.CPU] = cpu;
  narrow[at + slot.FLAGS] = parseFlags(cursor, log);
  return parseTime(cursor, log, i);
}

/** `(TGID) `, digits right-justified to 7; dashes where the tracer didn't know it. */
function parseTgid(cursor: Cursor): number {
  cursor.at++;
  cursor.skipSpaces();
  let tgid = UNKNOWN_TGID;
  if (cursor.bytes[cursor.at] === DASH) while (cursor.bytes[cursor.at] === DASH) cursor.at++;
  else tgid = cursor.decimal();
  if (!cursor.byte(CLOSE_PARENTHESIS)) return Number.NaN;
  cursor.skipSpaces();
  return tgid;
}

/** The flag characters up to the next space; a digit is the time already, and there are no flags. */
function parseFlags(cursor: Cursor, log: TraceLog): number {
  cursor.skipSpaces();
  let to = cursor.at;
  const first = cursor.bytes[to]! - ZERO;
  if (!(first >= 0 && first <= 9)) while (cursor.bytes[to]! > SPACE) to++;
  const flags = cursor.name(log.strings, FLAGS_PLACE, to);
  cursor.skipSpaces();
  return flags;
}

/** `SECONDS.MICROS: `, six digits of microseconds. */
function parseTime(cursor: Cursor, log: TraceLog, i: number): boolean {
  const seconds = cursor.decimal();
  if (!(seconds >= 0) || !cursor.byte(DOT)) return false;
  const from = cursor.at;
  const micros = cursor.decimal();
  if (!(micros >= 0) || cursor.at !== from + 6 || !cursor.byte(COLON) || !cursor.byte(SPACE)) return false;
  log.wide[i * WIDE_STRIDE + slot.TIME] = seconds * 1e6 + micros;
  cursor.skipSpaces();
  return true;
}
