import type { MemorySpan } from '../memory/granule-source.ts';
import type { PhysMemory } from '../memory/phys-memory.ts';
import { type ElfSegment, elfHeadBytes, parseElfCore } from './elf-header.ts';
import { ImageError } from './image-error.ts';
import { MemoryImage, writeSparse } from './memory-image.ts';

/**
 * The memory in an ELF core (`vmcore`, QEMU's `dump-guest-memory`), by physical address. Nothing is copied: the image
 * reads from `bytes`. Bytes of a segment that the file does not store are zeros; addresses in no segment are absent.
 * @throws {ImageError} when it is no 64-bit core, or is cut short: names the physical range that is missing
 */
export function readElfCore(bytes: Uint8Array): MemoryImage {
  const headBytes = elfHeadBytes(bytes);
  if (headBytes < 0 || headBytes > bytes.length) throw headersMissing(bytes.length);
  return new MemoryImage(
    parseElfCore(bytes).map((segment) => {
      checkStored(segment, bytes.length);
      const { phys, memoryBytes, offset, fileBytes } = segment;
      return { start: phys, end: phys + memoryBytes - 1, bytes, offset, lengthBytes: fileBytes };
    }),
  );
}

/**
 * Reads an ELF core of any size into memory as its bytes arrive: `push` each chunk of the file in order, then `end`.
 * Pages of zeros commit nothing.
 */
export class ElfCoreReader {
  readonly #memory: PhysMemory;
  /** The start of the file, until all headers are in it. */
  #head: Uint8Array | null = new Uint8Array(0);
  #segments: readonly ElfSegment[] = [];
  #position = 0;

  constructor(memory: PhysMemory) {
    this.#memory = memory;
  }

  /** @throws {ImageError} when the headers are those of something else */
  push(chunk: Uint8Array): void {
    if (this.#head === null) {
      this.#store(chunk, this.#position);
      this.#position += chunk.length;
      return;
    }
    this.#head = joined(this.#head, chunk);
    this.#position = this.#head.length;
    const needed = elfHeadBytes(this.#head);
    if (needed < 0 || needed > this.#head.length) return;
    const head = this.#head;
    this.#head = null;
    this.#segments = parseElfCore(head);
    for (const { phys, memoryBytes } of this.#segments) this.#memory.fill(phys, memoryBytes);
    this.#store(head, 0);
  }

  /**
   * What the core held, in the order of its segments.
   * @throws {ImageError} when the file was cut short: names the physical range that is missing
   */
  end(): MemorySpan[] {
    if (this.#head !== null) throw headersMissing(this.#position);
    for (const segment of this.#segments) checkStored(segment, this.#position);
    return this.#segments.map(({ phys, memoryBytes }) => ({ start: phys, end: phys + memoryBytes - 1 }));
  }

  /** The chunk is at `position` in the file; each segment takes its part of it. */
  #store(chunk: Uint8Array, position: number): void {
    for (const { offset, phys, fileBytes } of this.#segments) {
      const from = Math.max(offset, position);
      const to = Math.min(offset + fileBytes, position + chunk.length);
      if (from < to) writeSparse(this.#memory, phys + from - offset, chunk.subarray(from - position, to - position));
    }
  }
}

function checkStored({ offset, phys, fileBytes, memoryBytes }: ElfSegment, fileLength: number): void {
  if (fileBytes === 0 || offset + fileBytes <= fileLength) return;
  const stored = Math.max(0, fileLength - offset);
  const problem = `is missing: the file ends at byte ${fileLength}, the segment at ${offset + fileBytes}`;
  throw new ImageError('ERR_ELF_TRUNCATED', problem, phys + stored, phys + memoryBytes - 1);
}

function headersMissing(fileLength: number): ImageError {
  return new ImageError('ERR_ELF_TRUNCATED', `the file ends at byte ${fileLength}, inside the ELF headers`);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
