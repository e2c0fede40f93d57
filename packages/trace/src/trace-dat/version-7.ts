import { ByteReader } from './byte-reader.ts';
import type { CpuData, Decompress, TraceDatFile } from './contents.ts';
import { TraceDatError } from './errors.ts';
import { readCommandLines, readEventFormats, readHeaderInfo } from './sections.ts';

/** Options of the options section, by number. */
const Option = { DONE: 0, BUFFER: 3, HEADER_INFO: 16, EVENT_FORMATS: 18, CMDLINES: 21 } as const;

const COMPRESSED = 1;
/** Bytes of id, flags and description in a section header, before the size. */
const HEADER_BYTES = 8;
/** Bytes by CPU in a buffer option: number, offset, size. */
const CPU_BYTES = 20;

/** The rest of a version 7 file, after the page size: sections anywhere, which options point at. */
export function readVersion7(reader: ByteReader, decompress: Decompress | undefined): Omit<TraceDatFile, 'pageSize'> {
  const algorithm = reader.string();
  reader.string(); // Version of the algorithm.
  return new Version7(reader, algorithm, decompress).read(reader.u64());
}

class Version7 {
  readonly #file: ByteReader;
  readonly #algorithm: string;
  readonly #decompress: Decompress | undefined;
  #headerPage = '';
  #eventFormats: string[] = [];
  #commandLines = '';
  readonly #cpus: CpuData[] = [];

  constructor(file: ByteReader, algorithm: string, decompress: Decompress | undefined) {
    this.#file = file;
    this.#algorithm = algorithm;
    this.#decompress = decompress;
  }

  read(firstOptions: number): Omit<TraceDatFile, 'pageSize'> {
    const seen = new Set<number>();
    for (let at = firstOptions; at !== 0 && !seen.has(at); ) {
      seen.add(at);
      at = this.#readOptions(this.#section(at));
    }
    return {
      isBigEndian: this.#file.isBigEndian,
      headerPage: this.#headerPage,
      eventFormats: this.#eventFormats,
      commandLines: this.#commandLines,
      cpus: this.#cpus,
    };
  }

  /** Reads one options section; returns where the next one is, 0 for none. */
  #readOptions(options: ByteReader): number {
    for (;;) {
      const id = options.u16();
      const option = new ByteReader(options.take(options.u32()), 0, options.isBigEndian);
      if (id === Option.DONE) return option.bytes.length < 8 ? 0 : option.u64();
      if (id === Option.BUFFER) this.#readBuffer(option);
      else if (id === Option.HEADER_INFO) this.#headerPage = readHeaderInfo(this.#section(option.u64()));
      else if (id === Option.EVENT_FORMATS) this.#eventFormats = readEventFormats(this.#section(option.u64()));
      else if (id === Option.CMDLINES) this.#commandLines = readCommandLines(this.#section(option.u64()));
    }
  }

  /** The top instance's buffer has no name; other instances are not read. */
  #readBuffer(option: ByteReader): void {
    const section = option.u64();
    if (option.string() !== '') return;
    option.string(); // Trace clock.
    // Newer files have the page size of the buffer here, which the manual page doesn't mention.
    if ((option.bytes.length - option.at) % CPU_BYTES === 8) option.u32();
    const isCompressed = (this.#flags(section) & COMPRESSED) !== 0;
    for (let left = option.u32(); left > 0; left--) {
      const cpu = option.u32();
      const data = new ByteReader(this.#file.bytes, option.u64(), this.#file.isBigEndian);
      const size = option.u64();
      if (size > 0) this.#cpus.push({ cpu, pages: isCompressed ? this.#chunks(data) : data.take(size) });
    }
  }

  #flags(section: number): number {
    return new ByteReader(this.#file.bytes, section + 2, this.#file.isBigEndian).u16();
  }

  /** The content of the section at that offset, uncompressed. */
  #section(offset: number): ByteReader {
    const { bytes, isBigEndian } = this.#file;
    const isCompressed = (this.#flags(offset) & COMPRESSED) !== 0;
    const reader = new ByteReader(bytes, offset + HEADER_BYTES, isBigEndian);
    // The manual page gives the size four bytes, files may give it eight: then its upper half is zero, which neither
    // the low half nor the start of a section is.
    const first = reader.u32();
    const second = reader.u32();
    reader.at = offset + HEADER_BYTES + ((isBigEndian ? first : second) === 0 ? 8 : 4);
    if (!isCompressed) return reader;
    return new ByteReader(this.#uncompressed(reader), 0, isBigEndian);
  }

  #chunks(data: ByteReader): Uint8Array {
    const chunks = Array.from({ length: data.u32() }, () => this.#uncompressed(data));
    const pages = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      pages.set(chunk, at);
      at += chunk.length;
    }
    return pages;
  }

  /** Size, uncompressed size, data. */
  #uncompressed(reader: ByteReader): Uint8Array {
    const { at } = reader;
    const size = reader.u32();
    const uncompressedBytes = reader.u32();
    const data = reader.take(size);
    if (this.#decompress === undefined) {
      const message = `this part is compressed with ${this.#algorithm}: give a decompress function for it`;
      throw new TraceDatError('ERR_TRACE_DAT_COMPRESSED', at, message);
    }
    return this.#decompress(this.#algorithm, data, uncompressedBytes);
  }
}
