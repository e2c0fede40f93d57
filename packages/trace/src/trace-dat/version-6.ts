import type { ByteReader } from './byte-reader.ts';
import type { CpuData, TraceDatFile } from './contents.ts';
import { TraceDatError } from './errors.ts';
import { readCommandLines, readEventFormats, readHeaderInfo, skipFtraceFormats } from './sections.ts';

const KIND_BYTES = 10;

/** The rest of a version 6 file, after the page size: everything in a fixed order, nothing compressed. */
export function readVersion6(reader: ByteReader): Omit<TraceDatFile, 'pageSize'> {
  const headerPage = readHeaderInfo(reader);
  skipFtraceFormats(reader);
  const eventFormats = readEventFormats(reader);
  reader.take(reader.u32()); // Kernel symbols.
  reader.take(reader.u32()); // trace_printk formats.
  const commandLines = readCommandLines(reader);
  const cpuCount = reader.u32();
  skipOptions(reader);
  const cpus = Array.from({ length: cpuCount }, (_, cpu) => readCpu(reader, cpu));
  return { isBigEndian: reader.isBigEndian, headerPage, eventFormats, commandLines, cpus };
}

function skipOptions(reader: ByteReader): void {
  let at = reader.at;
  let kind = reader.text(KIND_BYTES);
  if (kind === 'options  \0') {
    while (reader.u16() !== 0) reader.take(reader.u32());
    at = reader.at;
    kind = reader.text(KIND_BYTES);
  }
  if (kind === 'flyrecord\0') return;
  throw new TraceDatError(
    'ERR_TRACE_DAT_FORMAT',
    at,
    `the file holds no ring buffer but "${kind.replaceAll('\0', '')}"`,
  );
}

function readCpu(reader: ByteReader, cpu: number): CpuData {
  const offset = reader.u64();
  const size = reader.u64();
  const next = reader.at;
  reader.at = offset;
  const pages = reader.take(size);
  reader.at = next;
  return { cpu, pages };
}
