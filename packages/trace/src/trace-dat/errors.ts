/** A file that is no trace.dat, or one that can't be read. */
export class TraceDatError extends Error {
  /**
   * `ERR_TRACE_DAT_FORMAT`: not what the format says at that offset. `ERR_TRACE_DAT_TRUNCATED`: the file ends there.
   * `ERR_TRACE_DAT_COMPRESSED`: compressed, and no decompressor was given.
   */
  readonly code: 'ERR_TRACE_DAT_FORMAT' | 'ERR_TRACE_DAT_TRUNCATED' | 'ERR_TRACE_DAT_COMPRESSED';
  /** Offset in the file, or in the uncompressed section. */
  readonly offset: number;

  constructor(code: TraceDatError['code'], offset: number, message: string) {
    super(`trace.dat, offset 0x${offset.toString(16)}: ${message}`);
    this.name = 'TraceDatError';
    this.code = code;
    this.offset = offset;
  }
}
