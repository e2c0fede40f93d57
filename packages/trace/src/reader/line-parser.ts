import { EVENT_NAMES, EventKind } from '../format/event-kind.ts';
import { KIND, LINE, N0, NARROW_STRIDE } from '../format/record.ts';
import { StringTable } from '../log/string-table.ts';
import type { TraceLog } from '../log/trace-log.ts';
import { encodeUtf8 } from '../log/utf8.ts';
import * as byte from './byte.ts';
import { Cursor } from './cursor.ts';
import { BODY_PLACES, parseBody } from './event-body.ts';
import { PrefixParser } from './line-prefix.ts';

const NAME_BYTES = EVENT_NAMES.map(encodeUtf8);

/** What a line turned out to be. */
export const LineResult = { EVENT: 0, UNKNOWN_EVENT: 1, MALFORMED_BODY: 2, NOT_AN_EVENT: 3 } as const;
export type LineResult = (typeof LineResult)[keyof typeof LineResult];

/**
 * Parses one event line at a time, from bytes, into a log. No line is searched for its end: literals, names and
 * numbers stop at the newline by themselves, so every byte is looked at about once.
 */
export class LineParser {
  readonly cursor: Cursor = new Cursor(BODY_PLACES);
  readonly #log: TraceLog;
  readonly #prefix = new PrefixParser();
  /** Event names, those of EVENT_NAMES first, so that a number below their count is the kind. */
  readonly #names = new StringTable();
  /** The name that last came after each name: events repeat in the same order, and a right guess spares the hash. */
  readonly #followers = new Int32Array(EVENT_NAMES.length).fill(-1);
  #lastKind: number = EventKind.UNKNOWN;

  constructor(log: TraceLog) {
    this.#log = log;
    for (const name of NAME_BYTES) this.#names.internBytes(name, 0, name.length);
  }

  /** Parses the line at the cursor; an event is appended to the log with that line number, and the cursor moves on to the next line. */
  parse(line: number): LineResult {
    const result = this.#parse(line);
    if (result <= LineResult.UNKNOWN_EVENT) this.#log.commit();
    else this.#log.abandon();
    return result;
  }

  #parse(line: number): LineResult {
    const { cursor } = this;
    const log = this.#log;
    const i = log.reserve();
    if (!this.#prefix.parse(cursor, log, i)) return LineResult.NOT_AN_EVENT;
    const kind = this.#eventKind(i);
    if (kind < 0) return LineResult.NOT_AN_EVENT;
    log.narrow[i * NARROW_STRIDE + KIND] = kind;
    log.narrow[i * NARROW_STRIDE + LINE] = line;
    const body = cursor.at;
    cursor.inexact = false;
    if (!parseBody(cursor, log, i, kind)) return LineResult.MALFORMED_BODY;
    if (cursor.inexact) this.#keepExact(i, body);
    return kind === EventKind.UNKNOWN ? LineResult.UNKNOWN_EVENT : LineResult.EVENT;
  }

  /** Kind by the name at the cursor, which moves past `NAME: `; -1 when there is no name. */
  #eventKind(i: number): number {
    const { cursor } = this;
    const from = cursor.at;
    const number = this.#nameNumber();
    if (number < 0) return -1;
    const to = cursor.at;
    cursor.at++;
    cursor.skipSpaces();
    this.#followers[this.#lastKind] = number;
    this.#lastKind = number < EVENT_NAMES.length ? number : EventKind.UNKNOWN;
    if (number > 0 && number < EVENT_NAMES.length) return number;
    this.#log.narrow[i * NARROW_STRIDE + N0] = this.#log.strings.internBytes(cursor.bytes, from, to);
    return EventKind.UNKNOWN;
  }

  /** Number of the name at the cursor, which moves to the colon behind it; -1 when there is no name. */
  #nameNumber(): number {
    const { cursor } = this;
    const { bytes, at: from } = cursor;
    const guess = this.#followers[this.#lastKind]!;
    const end = guess < 0 ? -1 : this.#names.endOfMatch(guess, bytes, from);
    if (end >= 0 && bytes[end] === byte.COLON) {
      cursor.at = end;
      return guess;
    }
    let to = from;
    while (bytes[to]! > byte.SPACE && bytes[to] !== byte.COLON) to++;
    cursor.at = to;
    return to === from || bytes[to] !== byte.COLON ? -1 : this.#names.internBytes(bytes, from, to);
  }

  #keepExact(i: number, from: number): void {
    const next = this.cursor.at;
    this.cursor.at = from;
    this.#log.keepExactBody(i, this.cursor.text(from, this.cursor.endOfLine()));
    this.cursor.at = next;
  }
}
