import { FieldType } from '../format/field.ts';
import { N0, N1, NARROW_STRIDE, POOL_AT, POOL_LENGTH, WIDE_STRIDE } from '../format/record.ts';
import { DIRECTION_NAMES, maskText, parseAttributes } from '../format/symbols.ts';
import type { TraceLog } from '../log/trace-log.ts';
import { encodeUtf8 } from '../log/utf8.ts';
import * as byte from './byte.ts';
import type { Cursor } from './cursor.ts';
import { compileFormats, IS_WIDE, LITERAL_AT, LITERAL_LENGTH, NO_FIELD, OPERATION, SLOT, STEP } from './program.ts';

const { steps, starts, literals } = compileFormats();
const DIRECTION_BYTES = DIRECTION_NAMES.map(encodeUtf8);
const FORCE = encodeUtf8('FORCE');
const NORMAL = encodeUtf8('NORMAL');
const DISK = encodeUtf8('disk=');
const TRUNCATED = encodeUtf8(' [TRUNCATED]');

/** Places of the grammar where names are read: {@link parseBody} reads one at the place that is the number of its step. */
export const BODY_PLACES: number = steps.length;

/**
 * Parses the body of an event of that kind at the cursor, to the end of its line, into record `i`.
 * False when the body is not of that event's form; the record is then worth nothing.
 */
export function parseBody(cursor: Cursor, log: TraceLog, i: number, kind: number): boolean {
  const end = starts[kind + 1]!;
  for (let pc = starts[kind]!; pc < end; pc += STEP) {
    if (!cursor.literal(literals, steps[pc + LITERAL_AT]!, steps[pc + LITERAL_LENGTH]!)) return false;
    if (!parseField(cursor, log, i, pc, pc + STEP === end)) return false;
  }
  return cursor.newline();
}

function parseField(cursor: Cursor, log: TraceLog, i: number, pc: number, isLast: boolean): boolean {
  switch (steps[pc + OPERATION]) {
    case FieldType.NAME:
      return isLast ? keepName(cursor, log, i, pc, cursor.endOfLine()) : parseName(cursor, log, i, pc);
    case FieldType.HEX:
      return keep(cursor, log, i, pc, cursor.hex());
    case FieldType.HEX16:
      return keep(cursor, log, i, pc, cursor.fixedHex());
    case FieldType.HEX0X:
      return keep(cursor, log, i, pc, cursor.prefixedHex());
    case FieldType.DEC:
      return keep(cursor, log, i, pc, cursor.decimal());
    case FieldType.DIR:
      return keep(cursor, log, i, pc, parseDirection(cursor));
    case FieldType.ATTRS:
      return keep(cursor, log, i, pc, parseAttrs(cursor));
    case FieldType.LIST:
      return parseList(cursor, log, i, pc);
    case NO_FIELD:
      return true;
    default:
      return parseRareField(cursor, log, i, pc);
  }
}

function parseRareField(cursor: Cursor, log: TraceLog, i: number, pc: number): boolean {
  switch (steps[pc + OPERATION]) {
    case FieldType.MASK:
      return keep(cursor, log, i, pc, parseMask(cursor));
    case FieldType.POINTER:
      return parsePointer(cursor, log, i);
    case FieldType.FORCE:
      return keep(cursor, log, i, pc, parseForce(cursor));
    case FieldType.DISK:
      return parseDisk(cursor, log, i, pc);
    case FieldType.TRUNCATED:
      cursor.literal(TRUNCATED, 0, TRUNCATED.length);
      return true;
    case FieldType.BRACKETED:
      return parseBracketed(cursor, log, i, pc);
    default:
      return keepText(cursor, log, i);
  }
}

/** Keeps a number in the slot that the step names. One that 32 bits can't hold is kept as text too. */
function keep(cursor: Cursor, log: TraceLog, i: number, pc: number, value: number): boolean {
  if (steps[pc + IS_WIDE] === 1) {
    log.wide[i * WIDE_STRIDE + steps[pc + SLOT]!] = value;
    return !Number.isNaN(value);
  }
  log.narrow[i * NARROW_STRIDE + steps[pc + SLOT]!] = value;
  if (value === (value | 0)) return true;
  cursor.inexact = true;
  return !Number.isNaN(value);
}

/** Keeps the bytes from the cursor to `to` as a name; -1 is no place and fails. */
function keepName(cursor: Cursor, log: TraceLog, i: number, pc: number, to: number): boolean {
  if (to < 0) return false;
  log.narrow[i * NARROW_STRIDE + steps[pc + SLOT]!] = cursor.name(log.strings, pc, to);
  return true;
}

/**
 * A name up to the literal of the next step. Likely it is the name that stood here last; then the same bytes with the
 * same literal behind them need no search for the literal and no hash.
 */
function parseName(cursor: Cursor, log: TraceLog, i: number, pc: number): boolean {
  const next = pc + STEP;
  const end = cursor.endOfGuess(log.strings, pc);
  if (end < 0 || !cursor.hasLiteral(literals, steps[next + LITERAL_AT]!, steps[next + LITERAL_LENGTH]!, end)) {
    return keepName(cursor, log, i, pc, findLiteral(cursor, next));
  }
  log.narrow[i * NARROW_STRIDE + steps[pc + SLOT]!] = cursor.guesses[pc]!;
  cursor.at = end;
  return true;
}

/** Where the literal of step `pc` next occurs in this line; -1 when it doesn't. */
function findLiteral(cursor: Cursor, pc: number): number {
  const bytes = cursor.bytes;
  const from = steps[pc + LITERAL_AT]!;
  const length = steps[pc + LITERAL_LENGTH]!;
  const first = literals[from]!;
  for (let at = cursor.at; bytes[at] !== byte.NEWLINE; at++) {
    if (bytes[at] === first && cursor.hasLiteral(literals, from, length, at)) return at;
  }
  return -1;
}

function parseDirection(cursor: Cursor): number {
  for (let dir = 0; dir < DIRECTION_BYTES.length; dir++) {
    const name = DIRECTION_BYTES[dir]!;
    if (cursor.literal(name, 0, name.length)) return dir;
  }
  return cursor.prefixedHex();
}

function parseAttrs(cursor: Cursor): number {
  const end = cursor.bytes[cursor.at]! <= byte.CARRIAGE_RETURN ? cursor.at : cursor.endOfLine();
  if (end === cursor.at) return 0;
  const attrs = parseAttributes(cursor.text(cursor.at, end));
  cursor.at = end;
  return attrs;
}

/** A mask is 2^n - 1. Past 2^53 it is held as 2^n, which stands for it unless the digits say otherwise. */
function parseMask(cursor: Cursor): number {
  const from = cursor.at;
  const value = cursor.hex();
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  const mask = value === -1 ? 2 ** 64 : value;
  cursor.inexact ||= maskText(mask) !== cursor.text(from, cursor.at);
  return mask;
}

function parsePointer(cursor: Cursor, log: TraceLog, i: number): boolean {
  const high = cursor.word();
  const low = cursor.word();
  log.narrow[i * NARROW_STRIDE + N0] = high;
  log.narrow[i * NARROW_STRIDE + N1] = low;
  return high >= 0 && low >= 0;
}

/**
 * `{0x..,0x..}` into the list pool; the number of elements into the slot. Lists come in the order addresses, sizes,
 * physical addresses; sizes share the slot of their addresses, and there must be as many.
 */
function parseList(cursor: Cursor, log: TraceLog, i: number, pc: number): boolean {
  const { narrow } = log;
  const row = i * NARROW_STRIDE;
  const start = log.listLength;
  if (!cursor.byte(byte.OPEN_BRACE) || !parseElements(cursor, log)) return false;
  const count = log.listLength - start;
  const slot = steps[pc + SLOT]!;
  const listsBefore = narrow[row + POOL_LENGTH]!;
  if (slot === N0 && listsBefore === 1 && narrow[row + N0] !== count) return false;
  if (listsBefore === 0) narrow[row + POOL_AT] = start;
  narrow[row + POOL_LENGTH] = listsBefore + 1;
  narrow[row + slot] = count;
  return true;
}

function parseElements(cursor: Cursor, log: TraceLog): boolean {
  if (cursor.byte(byte.CLOSE_BRACE)) return true;
  do {
    const value = cursor.prefixedHex();
    if (Number.isNaN(value)) return false;
    log.pushList(value);
  } while (cursor.byte(byte.COMMA));
  return cursor.byte(byte.CLOSE_BRACE);
}

function parseForce(cursor: Cursor): number {
  if (cursor.literal(FORCE, 0, FORCE.length)) return 1;
  return cursor.literal(NORMAL, 0, NORMAL.length) ? 0 : Number.NaN;
}

/** `disk=NAME, `, or nothing for an admin command. */
function parseDisk(cursor: Cursor, log: TraceLog, i: number, pc: number): boolean {
  if (!cursor.literal(DISK, 0, DISK.length)) {
    log.narrow[i * NARROW_STRIDE + steps[pc + SLOT]!] = -1;
    return true;
  }
  const bytes = cursor.bytes;
  let to = cursor.at;
  while (bytes[to] !== byte.NEWLINE && bytes[to] !== byte.COMMA) to++;
  if (bytes[to + 1] !== byte.SPACE || !keepName(cursor, log, i, pc, to)) return false;
  cursor.at += 2;
  return true;
}

function parseBracketed(cursor: Cursor, log: TraceLog, i: number, pc: number): boolean {
  const end = cursor.endOfLine() - 1;
  if (end < cursor.at || cursor.bytes[end] !== byte.CLOSE_BRACKET) return false;
  return keepName(cursor, log, i, pc, end) && cursor.byte(byte.CLOSE_BRACKET);
}

function keepText(cursor: Cursor, log: TraceLog, i: number): boolean {
  const end = cursor.endOfLine();
  log.narrow[i * NARROW_STRIDE + POOL_AT] = log.pushText(cursor.bytes, cursor.at, end);
  log.narrow[i * NARROW_STRIDE + POOL_LENGTH] = end - cursor.at;
  cursor.at = end;
  return true;
}
