import type { HostMemory } from '../data/host-memory.ts';

/**
 * Where a namespace keeps its bytes. `at` and lengths are bytes inside the media. Reading for the host names both ends,
 * so that media in memory move data in one copy; writing does not, because a write is stored only once all of it arrived.
 */
export interface Media {
  readonly sizeBytes: number;
  /** Media to host memory: 0, or the negative fault that the host answered. */
  toHost(host: HostMemory, address: number, at: number, lengthBytes: number): number;
  read(at: number, into: Uint8Array, offset: number, lengthBytes: number): void;
  write(at: number, from: Uint8Array, offset: number, lengthBytes: number): void;
  /** The range reads as zeroes afterwards. */
  zero(at: number, lengthBytes: number): void;
}

/** Large enough that a transfer seldom meets a border; untouched parts cost nothing, as the system commits them lazily. */
const CHUNK_BYTES = 2 ** 26;
const ZEROES = new Uint8Array(65536);

/** Media in memory: sparse, zero until written. */
export class SparseMedia implements Media {
  readonly sizeBytes: number;
  readonly #chunks: (Uint8Array | undefined)[];

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#chunks = new Array(Math.ceil(sizeBytes / CHUNK_BYTES)).fill(undefined);
  }

  toHost(host: HostMemory, address: number, at: number, lengthBytes: number): number {
    while (lengthBytes > 0) {
      const index = Math.floor(at / CHUNK_BYTES);
      const offset = at - index * CHUNK_BYTES;
      const chunk = this.#chunks[index];
      const room = chunk === undefined ? ZEROES.length : CHUNK_BYTES - offset;
      const piece = Math.min(lengthBytes, room);
      const fault =
        chunk === undefined ? host.write(address, ZEROES, 0, piece) : host.write(address, chunk, offset, piece);
      if (fault !== 0) return fault;
      address += piece;
      at += piece;
      lengthBytes -= piece;
    }
    return 0;
  }

  read(at: number, into: Uint8Array, offset: number, lengthBytes: number): void {
    for (let done = 0; done < lengthBytes; ) {
      const inChunk = (at + done) % CHUNK_BYTES;
      const piece = Math.min(lengthBytes - done, CHUNK_BYTES - inChunk);
      const chunk = this.#chunks[Math.floor((at + done) / CHUNK_BYTES)];
      if (chunk === undefined) into.fill(0, offset + done, offset + done + piece);
      else into.set(chunk.subarray(inChunk, inChunk + piece), offset + done);
      done += piece;
    }
  }

  write(at: number, from: Uint8Array, offset: number, lengthBytes: number): void {
    for (let done = 0; done < lengthBytes; ) {
      const inChunk = (at + done) % CHUNK_BYTES;
      const piece = Math.min(lengthBytes - done, CHUNK_BYTES - inChunk);
      const chunk = this.#chunk(Math.floor((at + done) / CHUNK_BYTES));
      chunk.set(from.subarray(offset + done, offset + done + piece), inChunk);
      done += piece;
    }
  }

  zero(at: number, lengthBytes: number): void {
    for (let done = 0; done < lengthBytes; ) {
      const inChunk = (at + done) % CHUNK_BYTES;
      const piece = Math.min(lengthBytes - done, CHUNK_BYTES - inChunk);
      const index = Math.floor((at + done) / CHUNK_BYTES);
      if (piece === CHUNK_BYTES) this.#chunks[index] = undefined;
      else this.#chunks[index]?.fill(0, inChunk, inChunk + piece);
      done += piece;
    }
  }

  #chunk(index: number): Uint8Array {
    let chunk = this.#chunks[index];
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK_BYTES);
      this.#chunks[index] = chunk;
    }
    return chunk;
  }
}
