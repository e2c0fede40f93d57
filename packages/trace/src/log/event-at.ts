import { EventKind } from '../format/event-kind.ts';
import { type Field, FieldType } from '../format/field.ts';
import { FORMATS } from '../format/formats.ts';
import { directionText } from '../format/symbols.ts';
import type { TraceEvent } from './trace-event.ts';
import type { TraceLog } from './trace-log.ts';

/** Event `i` as an object: convenient, and slow beside the accessors of `TraceLog`. It is plain data and fits JSON. */
export function eventAt(log: TraceLog, i: number): TraceEvent {
  const isUnknown = log.kind(i) === EventKind.UNKNOWN;
  const event: Record<string, unknown> = { event: isUnknown ? 'unknown' : log.name(i) };
  if (isUnknown) event['name'] = log.name(i);
  Object.assign(event, { line: log.line(i), comm: log.comm(i), pid: log.pid(i), cpu: log.cpu(i) });
  Object.assign(event, { flags: log.flags(i), time: log.time(i) });
  for (const part of FORMATS[log.kind(i)]!) if (typeof part !== 'string') event[part.key] = fieldValue(log, i, part);
  return event as unknown as TraceEvent;
}

function fieldValue(log: TraceLog, i: number, field: Field): unknown {
  const value = log.slot(i, field);
  switch (field.type) {
    case FieldType.NAME:
    case FieldType.BRACKETED:
    case FieldType.DISK:
      return log.strings.get(value);
    case FieldType.DIR:
      return directionText(value);
    case FieldType.POINTER:
      return log.virtAddr(i);
    case FieldType.FORCE:
      return value === 1;
    case FieldType.TRUNCATED:
      return log.isTruncated(i);
    case FieldType.LIST:
      return log.list(i, field);
    case FieldType.TEXT:
      return log.kind(i) === EventKind.NVME_SETUP_CMD ? log.command(i) : log.text(i);
    default:
      return field.isWide ? value : unsignedHex(field, value);
  }
}

/** What is written in hex is unsigned, though the record keeps 32 bits as a signed integer. */
function unsignedHex(field: Field, value: number): number {
  return field.type === FieldType.HEX0X || field.type === FieldType.ATTRS ? value >>> 0 : value;
}
