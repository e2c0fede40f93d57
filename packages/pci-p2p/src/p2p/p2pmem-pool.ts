import { PAGE_SIZE } from '@dmalab/phys-memory';
import { PciFabricError } from '../fabric/errors.ts';
import type { P2pdmaProvider } from './provider.ts';

/** One range of a pool: part of a BAR, with page descriptors of its own (spec T53). */
export interface P2pMemChunk {
  readonly provider: P2pdmaProvider;
  /** CPU address of the first byte. */
  readonly phys: number;
  readonly lengthBytes: number;
}

interface Chunk extends P2pMemChunk {
  /** One byte a page. */
  readonly taken: Uint8Array;
}

/** Memory of one provider for its peers, in whole pages, first fit in address order (spec T53, T54). */
export class P2pMemPool {
  readonly #chunks: Chunk[] = [];
  readonly #lengths = new Map<number, number>();

  get chunks(): readonly P2pMemChunk[] {
    return this.#chunks;
  }

  /** Bytes of all ranges. */
  get sizeBytes(): number {
    return this.#chunks.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  }

  get availableBytes(): number {
    const used = this.#chunks.reduce((sum, { taken }) => sum + taken.reduce((pages, page) => pages + page, 0), 0);
    return this.sizeBytes - used * PAGE_SIZE;
  }

  add(chunk: P2pMemChunk): void {
    this.#chunks.push({ ...chunk, taken: new Uint8Array(Math.floor(chunk.lengthBytes / PAGE_SIZE)) });
    this.#chunks.sort((a, b) => a.phys - b.phys);
  }

  /** CPU address of a block of whole pages, or -1 when no range has that much in one piece. */
  alloc(sizeBytes: number): number {
    const pages = Math.ceil(sizeBytes / PAGE_SIZE);
    if (pages === 0) return -1;
    for (const { phys, taken } of this.#chunks) {
      const first = firstFit(taken, pages);
      if (first < 0) continue;
      taken.fill(1, first, first + pages);
      const at = phys + first * PAGE_SIZE;
      this.#lengths.set(at, pages);
      return at;
    }
    return -1;
  }

  /** @throws {PciFabricError} when no block of that size was allocated there */
  free(at: number, sizeBytes: number): void {
    const pages = Math.ceil(sizeBytes / PAGE_SIZE);
    const allocated = this.#lengths.get(at);
    if (allocated !== pages)
      throw new PciFabricError(
        `freeing ${pages} pages at 0x${at.toString(16)}: ${allocated === undefined ? 'nothing' : `${allocated} pages`} was allocated there`,
      );
    this.#lengths.delete(at);
    const { phys, taken } = this.#chunkOf(at);
    const first = (at - phys) / PAGE_SIZE;
    taken.fill(0, first, first + pages);
  }

  /** The BAR record behind an address of this pool. @throws {PciFabricError} when it is not in it */
  providerAt(at: number): P2pdmaProvider {
    return this.#chunkOf(at).provider;
  }

  #chunkOf(at: number): Chunk {
    const chunk = this.#chunks.find(({ phys, lengthBytes }) => at >= phys && at < phys + lengthBytes);
    if (chunk === undefined) throw new PciFabricError(`0x${at.toString(16)} is not in this pool`);
    return chunk;
  }
}

function firstFit(taken: Uint8Array, pages: number): number {
  let run = 0;
  for (let page = 0; page < taken.length; page++) {
    run = taken[page] === 0 ? run + 1 : 0;
    if (run === pages) return page - pages + 1;
  }
  return -1;
}
