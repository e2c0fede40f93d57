import { decodeUtf8 } from '../log/utf8.ts';

/** What an expression comes to. Bytes are what a pointer into the record points at. */
export type Value = bigint | string | Uint8Array;

/** Text up to the first NUL. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeUtf8(bytes, 0, end < 0 ? bytes.length : end);
}
