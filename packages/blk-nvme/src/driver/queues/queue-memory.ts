import { type Device, dmaAllocCoherent, dmaFreeCoherent, GFP_KERNEL, type KernelPointer } from '@dmalab/dma-api';
import type { DmaAddr } from '@dmalab/phys-memory';

/** Where a queue's commands are put, in memory or in the controller's own. */
export interface SubmissionRing {
  /** What the controller is told. */
  readonly dmaAddr: DmaAddr;
  /** Puts a command into an entry. */
  store(index: number, command: Uint8Array): void;
  free(): void;
}

/**
 * Memory of one ring. Allocations behind an IOMMU need not be contiguous, so where each entry lies is worked out once:
 * no entry crosses a page.
 */
export class QueueMemory implements SubmissionRing {
  readonly bytes: number;
  readonly dmaAddr: DmaAddr;
  /** Physical address of each entry. */
  readonly entryPhys: Float64Array;
  readonly #dev: Device;
  readonly #cpuAddr: KernelPointer;

  private constructor(dev: Device, cpuAddr: KernelPointer, dmaAddr: DmaAddr, entries: number, entryBytes: number) {
    const { kernelSpace } = dev.context;
    this.#dev = dev;
    this.#cpuAddr = cpuAddr;
    this.dmaAddr = dmaAddr;
    this.bytes = entries * entryBytes;
    this.entryPhys = Float64Array.from({ length: entries }, (_, i) =>
      kernelSpace.physOf((cpuAddr + i * entryBytes) as KernelPointer),
    );
  }

  /** Null when there is no memory. */
  static alloc(dev: Device, entries: number, entryBytes: number): QueueMemory | null {
    const memory = dmaAllocCoherent(dev, entries * entryBytes, GFP_KERNEL);
    return memory === null ? null : new QueueMemory(dev, memory.cpuAddr, memory.dmaAddr, entries, entryBytes);
  }

  store(index: number, command: Uint8Array): void {
    this.#dev.context.memory.write(this.entryPhys[index], command, 0, command.length);
  }

  zero(): void {
    this.#dev.context.kernelSpace.fill(this.#cpuAddr, this.bytes, 0);
  }

  free(): void {
    dmaFreeCoherent(this.#dev, this.bytes, this.#cpuAddr, this.dmaAddr);
  }
}
