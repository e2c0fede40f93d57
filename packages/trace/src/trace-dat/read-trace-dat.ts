import { encodeUtf8 } from '../log/utf8.ts';
import type { Trace } from '../reader/trace.ts';
import { TraceReader, type TraceReaderOptions } from '../reader/trace-reader.ts';
import type { CpuData, Decompress, TraceDatFile } from './contents.ts';
import { type EventFormat, parseEventFormat, parseFields, type RecordField } from './event-format.ts';
import { printEvent } from './print-event.ts';
import { printPrefix } from './print-prefix.ts';
import { RecordBytes } from './record-bytes.ts';
import { type MissedEvents, type RingRecord, readPage } from './ring-buffer-page.ts';
import { readTraceDatFile } from './trace-dat-file.ts';
import { text } from './value.ts';

export interface TraceDatOptions extends TraceReaderOptions {
  /** Needed for files that are compressed; the core knows no algorithm. */
  readonly decompress?: Decompress;
}

/**
 * Reads a trace.dat of `trace-cmd record`, versions 6 and 7. Records are printed by the print formats in the file
 * itself, oldest first, and the lines are read as those of a text trace; an event's line number is its rank.
 * An event whose print format calls into the kernel (NVMe commands do) becomes a note.
 *
 * @throws {TraceDatError} when the file is none, was cut, or can't be uncompressed
 */
export function readTraceDat(bytes: Uint8Array, options: TraceDatOptions = {}): Trace {
  const file = readTraceDatFile(bytes, options.decompress);
  const reader = new TraceReader(options);
  for (const line of traceDatLines(file)) reader.push(encodeUtf8(`${line}\n`));
  return reader.finish();
}

/** The lines that the tracer would have printed. */
export function* traceDatLines(file: TraceDatFile): Generator<string> {
  const printer = new RecordPrinter(file);
  const fields = parseFields(file.headerPage);
  const sources = file.cpus.map(({ cpu, pages }) => ({ cpu, records: cpuRecords(file, { cpu, pages }, fields) }));
  const heads = sources.map(({ records }) => records.next());
  for (;;) {
    let first = -1;
    for (const [n, { done, value }] of heads.entries()) {
      if (!done && (first < 0 || timeOf(value) < timeOf(heads[first]!.value!))) first = n;
    }
    if (first < 0) return;
    yield printer.line(sources[first]!.cpu, heads[first]!.value!);
    heads[first] = sources[first]!.records.next();
  }
}

function* cpuRecords(
  { pageSize, isBigEndian }: TraceDatFile,
  { pages }: CpuData,
  fields: ReadonlyMap<string, RecordField>,
): Generator<RingRecord | MissedEvents, undefined> {
  for (let at = 0; at + pageSize <= pages.length; at += pageSize) {
    yield* readPage(pages.subarray(at, at + pageSize), fields, isBigEndian);
  }
}

/** A mark of missed events comes before whatever is next on any CPU. */
function timeOf(record: RingRecord | MissedEvents): number {
  return 'missed' in record ? Number.NEGATIVE_INFINITY : record.nanos;
}

class RecordPrinter {
  readonly #formats = new Map<number, EventFormat>();
  readonly #commandLines = new Map<number, string>([[0, '<idle>']]);
  readonly #isBigEndian: boolean;

  constructor(file: TraceDatFile) {
    this.#isBigEndian = file.isBigEndian;
    for (const text of file.eventFormats) {
      const format = parseEventFormat(text);
      if (format !== undefined) this.#formats.set(format.id, format);
    }
    for (const [, pid, comm] of file.commandLines.matchAll(/^(\d+) (.*)$/gm))
      this.#commandLines.set(Number(pid), comm!);
  }

  line(cpu: number, record: RingRecord | MissedEvents): string {
    if ('missed' in record) return `CPU:${cpu} [LOST ${record.missed < 0 ? '' : `${record.missed} `}EVENTS]`;
    const view = new DataView(record.data.buffer, record.data.byteOffset, record.data.byteLength);
    const id = record.data.length < 2 ? -1 : view.getUint16(0, !this.#isBigEndian);
    const format = this.#formats.get(id);
    if (format === undefined) return `event number ${id} has no format in the file`;
    const bytes = new RecordBytes(record.data, format.fields, this.#isBigEndian);
    const comm = this.#commandLines.get(bytes.number('common_pid')) ?? '<...>';
    const body = printEvent(format, bytes) ?? fieldList(format, bytes);
    return `${printPrefix(comm, cpu, record.nanos, bytes)}${format.name}: ${body.replaceAll('\n', ' ')}`;
  }
}

/** What is printed instead of an event whose print format we can't follow. */
function fieldList(format: EventFormat, record: RecordBytes): string {
  const words: string[] = [];
  for (const name of format.fields.keys()) {
    const value = record.field(name);
    if (name.startsWith('common_') || value === undefined) continue;
    words.push(`${name}=${value instanceof Uint8Array ? text(value) : value}`);
  }
  return `[${words.join(' ')}]`;
}
