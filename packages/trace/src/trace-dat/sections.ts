import type { ByteReader } from './byte-reader.ts';

/** Readers of the parts that versions 6 and 7 share. */

/** The header section: text of `header_page`. That of `header_event` says what has been so since 2.6.31. */
export function readHeaderInfo(reader: ByteReader): string {
  reader.expect('header_page\0');
  const headerPage = reader.text(reader.u64());
  reader.expect('header_event\0');
  reader.take(reader.u64());
  return headerPage;
}

/** Steps over the formats of the tracer's own events. */
export function skipFtraceFormats(reader: ByteReader): void {
  for (let left = reader.u32(); left > 0; left--) reader.take(reader.u64());
}

/** The formats of all events, system after system. */
export function readEventFormats(reader: ByteReader): string[] {
  const formats: string[] = [];
  for (let systems = reader.u32(); systems > 0; systems--) {
    reader.string();
    for (let events = reader.u32(); events > 0; events--) formats.push(reader.text(reader.u64()));
  }
  return formats;
}

export function readCommandLines(reader: ByteReader): string {
  return reader.text(reader.u64());
}
