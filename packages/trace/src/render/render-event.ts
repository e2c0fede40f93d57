import { type Field, FieldType } from '../format/field.ts';
import { FORMATS } from '../format/formats.ts';
import { NARROW_STRIDE, TGID } from '../format/record.ts';
import { attributesText, directionText, maskText } from '../format/symbols.ts';
import type { TraceLog } from '../log/trace-log.ts';
import { encodeUtf8 } from '../log/utf8.ts';

const UNKNOWN_TGID = -1;

/** The line that the kernel prints for event `i` (spec D95, D96, N110), without newline. */
export function renderEvent(log: TraceLog, i: number): string {
  const task = `${commText(log.comm(i))}-${String(log.pid(i)).padEnd(7)} ${tgidText(log, i)}`;
  const flags = log.flags(i);
  const place = `[${String(log.cpu(i)).padStart(3, '0')}]${flags === '' ? '' : ` ${flags}`}`;
  return `${task}${place} ${timeText(log.time(i))}: ${log.name(i)}: ${renderBody(log, i)}`;
}

/** The part of the line after `event: `. */
export function renderBody(log: TraceLog, i: number): string {
  const exact = log.exactBody(i);
  if (exact !== undefined) return exact;
  let text = '';
  for (const part of FORMATS[log.kind(i)]!) text += typeof part === 'string' ? part : fieldText(log, i, part);
  return text;
}

/** Right-justified to 16 bytes, not characters (spec D95). */
function commText(comm: string): string {
  return ' '.repeat(Math.max(0, 16 - encodeUtf8(comm).length)) + comm;
}

function tgidText(log: TraceLog, i: number): string {
  const tgid = log.narrow[i * NARROW_STRIDE + TGID]!;
  if (tgid < UNKNOWN_TGID) return '';
  return tgid === UNKNOWN_TGID ? '(-------) ' : `(${String(tgid).padStart(7)}) `;
}

function timeText(micros: number): string {
  const whole = Math.floor(micros);
  const seconds = Math.floor(whole / 1e6);
  return `${String(seconds).padStart(5)}.${String(whole - seconds * 1e6).padStart(6, '0')}`;
}

function fieldText(log: TraceLog, i: number, field: Field): string {
  const value = log.slot(i, field);
  switch (field.type) {
    case FieldType.NAME:
      return log.strings.get(value);
    case FieldType.BRACKETED:
      return `${log.strings.get(value)}]`;
    case FieldType.HEX:
      return hexText(value);
    case FieldType.HEX16:
      return `0x${hexText(value).padStart(16, '0')}`;
    case FieldType.HEX0X:
      return `0x${hexText(field.isWide ? value : value >>> 0).padStart(field.width, '0')}`;
    case FieldType.DEC:
      return value === -1 && field.isWide ? '18446744073709551615' : String(value);
    case FieldType.LIST:
      return listText(log, i, field);
    default:
      return symbolText(log, i, field.type, value);
  }
}

function symbolText(log: TraceLog, i: number, type: FieldType, value: number): string {
  switch (type) {
    case FieldType.DIR:
      return directionText(value);
    case FieldType.ATTRS:
      return attributesText(value);
    case FieldType.MASK:
      return maskText(value);
    case FieldType.POINTER:
      return log.virtAddr(i);
    case FieldType.FORCE:
      return value === 1 ? 'FORCE' : 'NORMAL';
    case FieldType.DISK:
      return value < 0 ? '' : `disk=${log.strings.get(value)}, `;
    case FieldType.TRUNCATED:
      return log.isTruncated(i) ? ' [TRUNCATED]' : '';
    default:
      return log.text(i);
  }
}

/** Lower-case hex without prefix; -1 is all-ones. */
function hexText(value: number): string {
  return value === -1 ? 'ffffffffffffffff' : value.toString(16);
}

function listText(log: TraceLog, i: number, field: Field): string {
  const words = log.list(i, field).map((value) => `0x${hexText(value)}`);
  return `{${words.join(',')}}`;
}
