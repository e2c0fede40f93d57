import { type Device, dmaAllocCoherent, dmaFreeCoherent, GFP_KERNEL, type KernelPointer } from '@dmalab/dma-api';
import type { DmaAddr, PhysMemory } from '@dmalab/phys-memory';

const PAGE = 4096;

/** Where a queue's commands are put, in memory or in the controller's own. */
export interface SubmissionRing {
  /** What the controller is told. */
  readonly dmaAddr: DmaAddr;
  /** Puts the words of a command into an entry. */
  store(index: number, command: Uint32Array): void;
  free(): void;
}

/**
 * Memory of one ring. Allocations behind an IOMMU need not be contiguous, so where each entry lies is worked out once:
 * no entry crosses a page. A page that was ever written is used through its words: calls of the memory, which find the
 * page anew for each, cost a hot read 60 of 890 ns.
 */
export class QueueMemory implements SubmissionRing {
  readonly bytes: number;
  readonly dmaAddr: DmaAddr;
  /** Physical address of each entry. */
  readonly entryPhys: Float64Array;
  readonly #dev: Device;
  readonly #memory: PhysMemory;
  readonly #cpuAddr: KernelPointer;
  /** By page: a buffer that holds it; undefined while nothing was written there. */
  readonly #pages: (Int32Array | undefined)[];
  /** log2 of the entries in a page. */
  readonly #pageShift: number;
  /** Where an entry begins in its page's buffer. */
  readonly #wordIndex: Int32Array;

  private constructor(dev: Device, cpuAddr: KernelPointer, dmaAddr: DmaAddr, entries: number, entryBytes: number) {
    const { kernelSpace, memory } = dev.context;
    this.#dev = dev;
    this.#memory = memory;
    this.#cpuAddr = cpuAddr;
    this.dmaAddr = dmaAddr;
    this.bytes = entries * entryBytes;
    this.entryPhys = Float64Array.from({ length: entries }, (_, i) =>
      kernelSpace.physOf((cpuAddr + i * entryBytes) as KernelPointer),
    );
    this.#pageShift = Math.log2(PAGE / entryBytes);
    this.#pages = new Array(Math.ceil(this.bytes / PAGE)).fill(undefined);
    this.#wordIndex = new Int32Array(entries);
  }

  /** Null when there is no memory. */
  static alloc(dev: Device, entries: number, entryBytes: number): QueueMemory | null {
    const memory = dmaAllocCoherent(dev, entries * entryBytes, GFP_KERNEL);
    return memory === null ? null : new QueueMemory(dev, memory.cpuAddr, memory.dmaAddr, entries, entryBytes);
  }

  store(index: number, command: Uint32Array): void {
    const page = this.#pages[index >>> this.#pageShift] ?? this.#adopt(index);
    if (page === undefined) {
      for (let i = 0; i < command.length; i++) this.#memory.store32(this.entryPhys[index] + 4 * i, command[i]);
      return;
    }
    const at = this.#wordIndex[index];
    for (let i = 0; i < command.length; i++) page[at + i] = command[i];
  }

  /** A word of an entry, signed; 0 where nothing was ever written. */
  word(index: number, word: number): number {
    const page = this.#pages[index >>> this.#pageShift] ?? this.#adopt(index);
    // Memory that another process shares gives no words out, and is read each time.
    return page === undefined
      ? this.#memory.load32(this.entryPhys[index] + 4 * word)
      : page[this.#wordIndex[index] + word];
  }

  zero(): void {
    this.#dev.context.kernelSpace.fill(this.#cpuAddr, this.bytes, 0);
  }

  free(): void {
    dmaFreeCoherent(this.#dev, this.bytes, this.#cpuAddr, this.dmaAddr);
  }

  /** The words of the page that holds an entry, from now on at hand; undefined while nothing was written there. */
  #adopt(index: number): Int32Array | undefined {
    const page = index >>> this.#pageShift;
    const words = this.#memory.wordsOf(this.entryPhys[index]);
    if (words === undefined) return undefined;
    const first = page << this.#pageShift;
    const end = Math.min(first + (1 << this.#pageShift), this.entryPhys.length);
    for (let i = first; i < end; i++) this.#wordIndex[i] = this.#memory.wordIndexOf(this.entryPhys[i]);
    this.#pages[page] = words;
    return words;
  }
}
