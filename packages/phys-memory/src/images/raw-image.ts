import type { MemorySpan } from '../memory/granule-source.ts';
import type { PhysMemory } from '../memory/phys-memory.ts';
import { MemoryImage, writeSparse } from './memory-image.ts';
import { nonZeroRuns } from './non-zero-runs.ts';

const CHUNK_BYTES = 2 ** 20;

/** A part of a raw image: `bytes` at `offset` in the file. What lies between the parts is zeros. */
export interface RawPart {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * The memory of a span as a raw image, one byte of file a byte of memory: the parts that are not zero, ascending, 1 MiB
 * at most. The file is as long as the span; write the parts at their offsets and leave the rest a hole.
 */
export function* writeRawImage(memory: PhysMemory, span: MemorySpan): Generator<RawPart> {
  for (const { start, end } of nonZeroRuns(memory, span)) {
    for (let at = start; at <= end; at += CHUNK_BYTES) {
      const bytes = new Uint8Array(Math.min(CHUNK_BYTES, end - at + 1));
      memory.read(at, bytes);
      yield { offset: at - span.start, bytes };
    }
  }
}

/** The memory in a raw image, by physical address. Nothing is copied; addresses outside the file are absent. */
export function readRawImage(bytes: Uint8Array, start = 0): MemoryImage {
  const { length } = bytes;
  return new MemoryImage(
    length === 0 ? [] : [{ start, end: start + length - 1, bytes, offset: 0, lengthBytes: length }],
  );
}

/** Reads a raw image of any size into memory as its bytes arrive: `push` each chunk of the file in order. */
export class RawImageReader {
  readonly #memory: PhysMemory;
  readonly #start: number;
  #next: number;

  /** @param start where the first byte of the file goes */
  constructor(memory: PhysMemory, start = 0) {
    this.#memory = memory;
    this.#start = start;
    this.#next = start;
  }

  push(chunk: Uint8Array): void {
    writeSparse(this.#memory, this.#next, chunk);
    this.#next += chunk.length;
  }

  /** What the file covered, or null when it was empty. */
  end(): MemorySpan | null {
    return this.#next > this.#start ? { start: this.#start, end: this.#next - 1 } : null;
  }
}
