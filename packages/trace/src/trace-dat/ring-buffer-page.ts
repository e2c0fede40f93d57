import { ByteReader } from './byte-reader.ts';
import type { RecordField } from './event-format.ts';

/** A record of a ring buffer: when, and its bytes. */
export interface RingRecord {
  /** Nanoseconds, as the nearest double. */
  readonly nanos: number;
  readonly data: Uint8Array;
}

/** Events are missing before what follows; -1 when the buffer doesn't say how many. */
export interface MissedEvents {
  readonly missed: number;
}

/** Entry types (`header_event`); what is at most 28 is the number of 4-byte words of the data. */
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;

/** In the commit word: events were missed before this page, and how many is stored behind the data. */
const MISSED_EVENTS = 2 ** 31;
const MISSED_STORED = 2 ** 30;
const COMMIT_MASK = 2 ** 27 - 1;
const DELTA_BITS = 27;

/** The records of one page, oldest first. `fields`: those of `header_page`. */
export function* readPage(
  page: Uint8Array,
  fields: ReadonlyMap<string, RecordField>,
  isBigEndian: boolean,
): Generator<RingRecord | MissedEvents> {
  const reader = new ByteReader(page, 0, isBigEndian);
  let nanos = reader.u64();
  const commitField = fields.get('commit');
  const dataAt = fields.get('data')?.offset ?? 16;
  reader.at = commitField?.offset ?? 8;
  const commit = commitField?.size === 4 ? reader.u32() : reader.u64() % 2 ** 32;
  const end = dataAt + (commit & COMMIT_MASK);
  if (commit >= MISSED_EVENTS) yield { missed: missedCount(reader, commit, end) };
  reader.at = dataAt;
  while (reader.at < end) {
    const word = reader.u32();
    const type = isBigEndian ? word >>> DELTA_BITS : word & 31;
    const delta = isBigEndian ? word & (2 ** DELTA_BITS - 1) : word >>> 5;
    if (type === TIME_EXTEND) {
      nanos += delta + reader.u32() * 2 ** DELTA_BITS;
    } else if (type === TIME_STAMP) {
      nanos = absoluteTime(nanos, delta + reader.u32() * 2 ** DELTA_BITS);
    } else if (type === PADDING) {
      if (delta === 0) return; // The rest of the page is empty.
      reader.take(reader.u32() - 4);
      nanos += delta;
    } else {
      nanos += delta;
      yield { nanos, data: reader.take(type === 0 ? reader.u32() - 4 : type * 4) };
    }
  }
}

function missedCount(reader: ByteReader, commit: number, end: number): number {
  if (Math.floor(commit / MISSED_STORED) % 2 === 0 || end + 8 > reader.bytes.length) return -1;
  reader.at = end;
  return reader.u64();
}

/** An absolute stamp has 59 bits; the upper five are those of the time so far. */
function absoluteTime(nanos: number, stamp: number): number {
  return Math.floor(nanos / 2 ** 59) * 2 ** 59 + stamp;
}
