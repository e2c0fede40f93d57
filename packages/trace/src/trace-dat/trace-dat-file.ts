import { ByteReader } from './byte-reader.ts';
import type { Decompress, TraceDatFile } from './contents.ts';
import { TraceDatError } from './errors.ts';
import { readVersion6 } from './version-6.ts';
import { readVersion7 } from './version-7.ts';

const MAGIC = [0x17, 0x08, 0x44];

/** The bytes begin as a trace.dat does. */
export function isTraceDat(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, n) => bytes[n] === byte);
}

/**
 * Takes a trace.dat apart. Format: manual pages trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5) of trace-cmd 3.
 *
 * @throws {TraceDatError} when it isn't one, was cut, or is compressed and there is nothing to uncompress it with
 */
export function readTraceDatFile(bytes: Uint8Array, decompress?: Decompress): TraceDatFile {
  if (!isTraceDat(bytes)) throw new TraceDatError('ERR_TRACE_DAT_FORMAT', 0, 'the magic bytes 17 08 44 are missing');
  const reader = new ByteReader(bytes, MAGIC.length);
  reader.expect('tracing');
  const versionAt = reader.at;
  const version = reader.string();
  reader.isBigEndian = reader.u8() === 1;
  reader.u8(); // Size of a long in user space; what the kernel uses is in the header page.
  const pageSize = reader.u32();
  if (version === '6') return { pageSize, ...readVersion6(reader) };
  if (version === '7') return { pageSize, ...readVersion7(reader, decompress) };
  throw new TraceDatError('ERR_TRACE_DAT_FORMAT', versionAt, `version ${version} is neither 6 nor 7`);
}
