import { TraceLog } from '../log/trace-log.ts';
import * as byte from './byte.ts';
import { readHeaderLine } from './header.ts';
import { LineParser, LineResult } from './line-parser.ts';
import type { Trace, TraceCounts, TraceHeader, TraceNote } from './trace.ts';

/** How a {@link TraceReader} hands over what it read. */
export interface TraceReaderOptions {
  /**
   * Called with the log whenever it holds `batchEvents` events or there are very many notes, and once more at the end; afterwards the log and the
   * notes are emptied. Without it everything stays in memory until `finish`.
   */
  readonly onBatch?: (trace: Trace) => void;
  /** Default 65536. */
  readonly batchEvents?: number;
  /** Makes room for so many events at the start, which spares copying while the log grows. Default 1024. */
  readonly expectedEvents?: number;
}

/** Lines that are no event are handed over when there are so many of them, events or not. */
const MOST_NOTES = 65_536;

/**
 * Reads the text of a trace (spec D95, D96, N110) from chunks of bytes that may be cut anywhere. No line is skipped in
 * silence: what is no event becomes a note with its line number and text.
 */
export class TraceReader {
  readonly #log: TraceLog;
  readonly #parser: LineParser;
  readonly #header: TraceHeader = { lines: [], tracer: '', entriesInBuffer: -1, entriesWritten: -1, cpus: -1 };
  readonly #notes: TraceNote[] = [];
  readonly #counts: TraceCounts = {
    lines: 0,
    events: 0,
    unknownEvents: 0,
    notUnderstood: 0,
    blankLines: 0,
    lostMarkers: 0,
    lostEvents: 0,
  };
  readonly #unknownNames = new Map<string, number>();
  readonly #onBatch: ((trace: Trace) => void) | undefined;
  readonly #batchEvents: number;
  /** The start of a line whose end has not come yet. */
  #carry = new Uint8Array(256);
  #carryLength = 0;
  #endsWithNewline = true;

  constructor(options: TraceReaderOptions = {}) {
    this.#log = new TraceLog(undefined, options.expectedEvents);
    this.#parser = new LineParser(this.#log);
    this.#onBatch = options.onBatch;
    this.#batchEvents = options.batchEvents ?? 65_536;
  }

  /** Reads more of the file. The bytes are not kept. */
  push(chunk: Uint8Array): void {
    let from = 0;
    if (this.#carryLength > 0) {
      const newline = chunk.indexOf(byte.NEWLINE);
      from = newline < 0 ? chunk.length : newline + 1;
      this.#append(chunk, 0, from);
      if (newline < 0) return;
      this.#parseCarry();
    }
    const limit = chunk.lastIndexOf(byte.NEWLINE) + 1;
    this.#parseLines(chunk, from, limit);
    this.#append(chunk, Math.max(from, limit), chunk.length);
  }

  /** Reads what is left and hands over the trace. */
  finish(): Trace {
    if (this.#carryLength > 0) {
      this.#endsWithNewline = false;
      this.#append(Uint8Array.of(byte.NEWLINE), 0, 1);
      this.#parseCarry();
    }
    const trace = this.#trace();
    this.#onBatch?.(trace);
    return trace;
  }

  #trace(): Trace {
    return {
      log: this.#log,
      header: this.#header,
      notes: this.#notes,
      counts: this.#counts,
      unknownNames: this.#unknownNames,
      endsWithNewline: this.#endsWithNewline,
    };
  }

  /** Parses `bytes[from, limit)`, whole lines. */
  #parseLines(bytes: Uint8Array, from: number, limit: number): void {
    const { cursor } = this.#parser;
    cursor.bytes = bytes;
    cursor.at = from;
    while (cursor.at < limit) {
      const start = cursor.at;
      const line = ++this.#counts.lines;
      const isComment = bytes[start] === byte.HASH;
      const result = isComment ? LineResult.NOT_AN_EVENT : this.#parser.parse(line);
      if (result === LineResult.EVENT) this.#counts.events++;
      else this.#takeOther(result, start);
      if (this.#onBatch !== undefined && this.#isFull()) this.#handOver(this.#onBatch);
    }
  }

  /** A file that is no trace has a note a line, and would fill memory. */
  #isFull(): boolean {
    return this.#log.length >= this.#batchEvents || this.#notes.length >= MOST_NOTES;
  }

  #takeOther(result: LineResult, start: number): void {
    const { cursor } = this.#parser;
    if (result === LineResult.UNKNOWN_EVENT) {
      this.#counts.events++;
      this.#counts.unknownEvents++;
      const name = this.#log.name(this.#log.length - 1);
      this.#unknownNames.set(name, (this.#unknownNames.get(name) ?? 0) + 1);
      return;
    }
    cursor.at = start;
    const end = cursor.endOfLine();
    const text = cursor.text(start, end);
    cursor.at = cursor.bytes.indexOf(byte.NEWLINE, end) + 1;
    this.#takeText(text, result === LineResult.MALFORMED_BODY);
  }

  #takeText(text: string, isMalformed: boolean): void {
    const counts = this.#counts;
    if (text === '') {
      counts.blankLines++;
    } else if (text.startsWith('#')) {
      if (counts.events === 0) readHeaderLine(this.#header, text);
      else this.#note('comment', text);
    } else if (!isMalformed && /^CPU:\d+ \[(LOST|\d+).*EVENTS.*\]$/.test(text)) {
      counts.lostMarkers++;
      counts.lostEvents += Number(/(\d+) EVENTS/.exec(text)?.[1] ?? 0);
      this.#note('lost', text);
    } else {
      counts.notUnderstood++;
      this.#note(!this.#endsWithNewline ? 'truncated' : isMalformed ? 'malformed' : 'unreadable', text);
    }
  }

  #note(kind: TraceNote['kind'], text: string): void {
    this.#notes.push({ line: this.#counts.lines, kind, text });
  }

  #handOver(onBatch: (trace: Trace) => void): void {
    onBatch(this.#trace());
    this.#log.clear();
    this.#notes.length = 0;
  }

  #parseCarry(): void {
    const length = this.#carryLength;
    this.#carryLength = 0;
    this.#parseLines(this.#carry, 0, length);
  }

  #append(chunk: Uint8Array, from: number, to: number): void {
    const length = this.#carryLength + to - from;
    if (length > this.#carry.length) {
      const carry = new Uint8Array(2 * length);
      carry.set(this.#carry);
      this.#carry = carry;
    }
    this.#carry.set(chunk.subarray(from, to), this.#carryLength);
    this.#carryLength = length;
  }
}

/** Bytes of a line in a real trace, a little less than the mean. */
const LINE_BYTES = 128;

/** Reads a whole trace that is in memory. */
export function readTrace(bytes: Uint8Array): Trace {
  const expectedEvents = Math.max(1, Math.ceil(bytes.length / LINE_BYTES));
  const reader = new TraceReader({ expectedEvents });
  reader.push(bytes);
  return reader.finish();
}
