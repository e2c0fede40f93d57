/** Uncompresses a section. `algorithm` is the file's word for it: `zlib`, `zstd`. */
export type Decompress = (algorithm: string, data: Uint8Array, uncompressedBytes: number) => Uint8Array;

/** The ring buffer pages of one CPU. */
export interface CpuData {
  readonly cpu: number;
  readonly pages: Uint8Array;
}

/** What a trace.dat holds, before anything in it is understood. */
export interface TraceDatFile {
  readonly isBigEndian: boolean;
  readonly pageSize: number;
  /** Text of `events/header_page` on the traced machine. */
  readonly headerPage: string;
  /** Texts of the `format` files of its events. */
  readonly eventFormats: readonly string[];
  /** Lines of `PID NAME`. */
  readonly commandLines: string;
  readonly cpus: readonly CpuData[];
}
