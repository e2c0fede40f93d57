import { type ByteAccess, PAGE_SIZE, type PageAllocator } from '@dmalab/phys-memory';

/** There is not enough simulated memory for the buffers of a workload. */
export class BufferMemoryError extends Error {
  readonly code = 'ERR_BUFFER_MEMORY';

  constructor(pages: number) {
    super(
      `the buffers of this workload need ${pages} pages, more than the machine has free; lower iodepth, numjobs or bs`,
    );
    this.name = 'BufferMemoryError';
  }
}

/**
 * Data buffers as a user process has them: single pages, next to each other in the process and nowhere near in memory,
 * so that a large I/O has as many segments as pages (spec N4).
 */
export class IoBuffers {
  readonly #memory: ByteAccess;
  readonly #allocator: PageAllocator;
  /** Physical addresses: page `p` of buffer `b` at `p * count + b`. */
  readonly #pages: Float64Array;
  readonly #count: number;
  readonly #staging: Uint8Array;
  /** The same bytes as words. */
  readonly words: Int32Array;

  /**
   * @param memory what the process sees of it
   * @param count buffers, each of `bytes` bytes
   * @throws {BufferMemoryError} when memory runs out; what was taken is given back
   */
  constructor(memory: ByteAccess, allocator: PageAllocator, count: number, bytes: number) {
    this.#memory = memory;
    this.#allocator = allocator;
    this.#count = count;
    this.#pages = new Float64Array(count * Math.ceil(bytes / PAGE_SIZE));
    this.#staging = new Uint8Array(Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE);
    this.words = new Int32Array(this.#staging.buffer);
    // Page by page over all buffers: neighbours in one buffer are never neighbours in memory while there are several.
    for (let i = 0; i < this.#pages.length; i++) {
      const pfn = allocator.allocPages(0, 0);
      if (pfn < 0) {
        this.#free(i);
        throw new BufferMemoryError(this.#pages.length);
      }
      this.#pages[i] = pfn * PAGE_SIZE;
    }
  }

  /** Physical address of a page of a buffer. */
  pageAt(buffer: number, page: number): number {
    return this.#pages[page * this.#count + buffer];
  }

  /** Copies the first bytes of {@link words} into a buffer. */
  store(buffer: number, lengthBytes: number): void {
    for (let at = 0; at < lengthBytes; at += PAGE_SIZE) {
      this.#memory.write(this.pageAt(buffer, at / PAGE_SIZE), this.#staging, at, Math.min(PAGE_SIZE, lengthBytes - at));
    }
  }

  /** Copies the first bytes of a buffer into {@link words}. */
  load(buffer: number, lengthBytes: number): void {
    for (let at = 0; at < lengthBytes; at += PAGE_SIZE) {
      this.#memory.read(this.pageAt(buffer, at / PAGE_SIZE), this.#staging, at, Math.min(PAGE_SIZE, lengthBytes - at));
    }
  }

  /** Fills a buffer with a byte that no pattern starts with, so that a read that moves nothing is found. */
  poison(buffer: number, lengthBytes: number): void {
    for (let at = 0; at < lengthBytes; at += PAGE_SIZE) {
      this.#memory.write(this.pageAt(buffer, at / PAGE_SIZE), POISON, 0, Math.min(PAGE_SIZE, lengthBytes - at));
    }
  }

  /** Gives all pages back. */
  release(): void {
    this.#free(this.#pages.length);
  }

  #free(pages: number): void {
    for (let i = 0; i < pages; i++) this.#allocator.freePages(this.#pages[i] / PAGE_SIZE, 0);
  }
}

const POISON = new Uint8Array(PAGE_SIZE).fill(0xdb);
