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

/** A task name is right-justified to 16 and at most 15 bytes long, so the dash before the pid is here (spec D95). */
const DASH_COLUMN = 16;
const NO_TGID = -2;
const UNKNOWN_TGID = -1;
/** Longest prefix that is remembered; they have 34 bytes and seldom more. */
const REMEMBERED_BYTES = 96;

/**
 * Parses `TASK-PID [CPU] FLAGS TIME: ` (spec D95) into a record. Also without flags (tracer option noirq-info) and with
 * a thread group, `(TGID)`, before the CPU (option record-tgid).
 *
 * Three lines of four repeat the line before them up to the time, so the last prefix is kept with what it meant: one
 * comparison instead of parsing takes 60 ns off a line (bench "read text in batches").
 */
export class PrefixParser {
  readonly #bytes = new Uint8Array(REMEMBERED_BYTES);
  #length = 0;
  #pid = 0;
  #tgid = NO_TGID;
  #cpu = 0;
  #comm = 0;
  #flags = 0;

  /** Parses at the cursor, which is at the start of a line, into record `i`; false when the line has no such prefix. */
  parse(cursor: Cursor, log: TraceLog, i: number): boolean {
    const from = cursor.at;
    if (!this.#repeats(cursor) && !this.#parseTask(cursor, log, from)) return false;
    const { narrow } = log;
    const at = i * NARROW_STRIDE;
    narrow[at + slot.PID] = this.#pid;
    narrow[at + slot.TGID] = this.#tgid;
    narrow[at + slot.CPU] = this.#cpu;
    narrow[at + slot.COMM] = this.#comm;
    narrow[at + slot.FLAGS] = this.#flags;
    return parseTime(cursor, log, i);
  }

  /** Steps over the prefix of the line before, when it is here again. */
  #repeats(cursor: Cursor): boolean {
    const { bytes, at } = cursor;
    const length = this.#length;
    for (let n = 0; n < length; n++) if (bytes[at + n] !== this.#bytes[n]) return false;
    cursor.at = at + length;
    return length > 0;
  }

  #remember(cursor: Cursor, from: number): boolean {
    const length = cursor.at - from;
    this.#length = length <= REMEMBERED_BYTES ? length : 0;
    for (let n = 0; n < this.#length; n++) this.#bytes[n] = cursor.bytes[from + n]!;
    return true;
  }

  #parseTask(cursor: Cursor, log: TraceLog, from: number): boolean {
    cursor.skipSpaces();
    const comm = cursor.at;
    const dash = from + DASH_COLUMN;
    const isAligned = isOneLine(cursor.bytes, comm, dash) && this.#parseAfterComm(cursor, log, dash);
    const end = isAligned ? dash : this.#parseUnaligned(cursor, log, comm);
    if (end < 0) {
      this.#length = 0;
      return false;
    }
    this.#comm = log.strings.internBytes(cursor.bytes, comm, end);
    return this.#remember(cursor, from);
  }

  /**
   * Tools that print traces anew need not keep the columns: then the first dash after which all parses is it.
   * Returns where it is, -1 for none.
   */
  #parseUnaligned(cursor: Cursor, log: TraceLog, comm: number): number {
    for (let dash = comm; cursor.bytes[dash] !== NEWLINE; dash++) {
      if (cursor.bytes[dash] === DASH && dash > comm && this.#parseAfterComm(cursor, log, dash)) return dash;
    }
    return -1;
  }

  /** From the dash up to the first digit of the time. */
  #parseAfterComm(cursor: Cursor, log: TraceLog, dash: number): boolean {
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
    this.#pid = pid;
    this.#tgid = tgid;
    this.#cpu = cpu;
    this.#flags = parseFlags(cursor, log);
    const first = cursor.bytes[cursor.at]! - ZERO;
    return first >= 0 && first <= 9;
  }
}

/** False when a short line ends before `to`: what is there belongs to the next line. */
function isOneLine(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === NEWLINE) return false;
  return true;
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
  const from = cursor.at;
  const first = cursor.bytes[from]! - ZERO;
  let to = from;
  if (!(first >= 0 && first <= 9)) while (cursor.bytes[to]! > SPACE) to++;
  cursor.at = to;
  cursor.skipSpaces();
  return log.strings.internBytes(cursor.bytes, from, to);
}

/** `SECONDS.MICROS: `, six digits of microseconds. */
function parseTime(cursor: Cursor, log: TraceLog, i: number): boolean {
  cursor.skipSpaces(); // A time that went back across CPUs can be shorter than the one whose prefix this line repeats.
  const seconds = cursor.decimal();
  if (!(seconds >= 0) || !cursor.byte(DOT)) return false;
  const from = cursor.at;
  const micros = cursor.decimal();
  if (!(micros >= 0) || cursor.at !== from + 6 || !cursor.byte(COLON) || !cursor.byte(SPACE)) return false;
  log.wide[i * WIDE_STRIDE + slot.TIME] = seconds * 1e6 + micros;
  cursor.skipSpaces();
  return true;
}
