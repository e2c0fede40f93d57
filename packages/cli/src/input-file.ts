import { createReadStream } from 'node:fs';
import type { Duplex } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { UserError } from './user-error.ts';

/** How packed files start, and what unpacks them. */
const PACKINGS: readonly (readonly [magic: readonly number[], unpack: () => Duplex])[] = [
  [[0x1f, 0x8b], createGunzip],
  [[0x28, 0xb5, 0x2f, 0xfd], createZstdDecompress],
];

/**
 * The bytes of a file, or of standard input for `-`, in chunks as they come; gzip and zstd are unpacked on the way.
 * @throws {UserError} when the file can't be read, or its packed data are cut short or damaged
 */
export async function* readInput(path: string): AsyncGenerator<Uint8Array> {
  const source = path === '-' ? process.stdin : createReadStream(path);
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    const first = await chunks.next();
    if (first.done) return;
    const whole = withFirst(first.value, chunks);
    const packing = PACKINGS.find(([magic]) => magic.every((byte, i) => first.value[i] === byte));
    yield* packing === undefined ? whole : unpacked(whole, packing[1]());
  } catch (error) {
    throw explain(path, error as NodeJS.ErrnoException);
  }
}

/** A whole file as one array. For what is known to be small, or is needed at once. */
export async function readWhole(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readInput(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A whole text file. */
export async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readWhole(path));
}

async function* withFirst(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function* unpacked(packed: AsyncIterable<Uint8Array>, unpack: Duplex): AsyncGenerator<Uint8Array> {
  const feed = (async () => {
    for await (const chunk of packed) {
      if (!unpack.write(chunk)) await new Promise((resolve) => unpack.once('drain', resolve));
    }
    unpack.end();
  })();
  feed.catch((error) => unpack.destroy(error));
  yield* unpack as AsyncIterable<Uint8Array>;
}

function explain(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code?.startsWith('ZSTD_')) {
    return new UserError(path, `the packed data are damaged (${error.message})`, 'copy the file again');
  }
  switch (error.code) {
    case 'ENOENT':
      return new UserError(path, 'no such file', 'check the path');
    case 'EISDIR':
      return new UserError(path, 'is a folder', 'name a file in it');
    case 'EACCES':
      return new UserError(path, 'may not be read', 'check its permissions');
    case 'Z_BUF_ERROR':
      return new UserError(path, 'the packed data end too early', 'copy the file again: it was cut short');
    case 'Z_DATA_ERROR':
      return new UserError(path, `the packed data are damaged (${error.message})`, 'copy the file again');
    default:
      return error;
  }
}
