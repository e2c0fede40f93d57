import {
  type Device,
  type DmaMemory,
  dmaAllocCoherent,
  dmaFreeCoherent,
  GFP_KERNEL,
  type KernelPointer,
} from '@dmalab/dma-api';
import type { PhysMemory } from '@dmalab/phys-memory';

/** Shadow doorbells and event indexes in host memory (spec N66): most rings need no register write. */
export class ShadowDoorbells {
  readonly doorbells: DmaMemory;
  readonly eventIndexes: DmaMemory;
  readonly #dev: Device;
  readonly #memory: PhysMemory;
  readonly #bytes: number;
  /** Physical address of each doorbell and of each event index: 2 * qid for submission, one more for completion. */
  readonly #doorbellPhys: Float64Array;
  readonly #eventPhys: Float64Array;

  private constructor(dev: Device, doorbells: DmaMemory, eventIndexes: DmaMemory, bytes: number, strideBytes: number) {
    this.#dev = dev;
    this.#memory = dev.context.memory;
    this.doorbells = doorbells;
    this.eventIndexes = eventIndexes;
    this.#bytes = bytes;
    const { kernelSpace } = dev.context;
    const physOf = (base: KernelPointer) =>
      Float64Array.from({ length: bytes / strideBytes }, (_, i) =>
        kernelSpace.physOf((base + i * strideBytes) as KernelPointer),
      );
    this.#doorbellPhys = physOf(doorbells.cpuAddr);
    this.#eventPhys = physOf(eventIndexes.cpuAddr);
  }

  /** For that many queues, the admin queue's unused place included; null when there is no memory. */
  static alloc(dev: Device, queues: number, strideBytes: number): ShadowDoorbells | null {
    const bytes = queues * 2 * strideBytes;
    const doorbells = dmaAllocCoherent(dev, bytes, GFP_KERNEL);
    const eventIndexes = doorbells === null ? null : dmaAllocCoherent(dev, bytes, GFP_KERNEL);
    if (doorbells !== null && eventIndexes !== null) {
      return new ShadowDoorbells(dev, doorbells, eventIndexes, bytes, strideBytes);
    }
    if (doorbells !== null) dmaFreeCoherent(dev, bytes, doorbells.cpuAddr, doorbells.dmaAddr);
    return null;
  }

  /** Zeroed at allocation and at each reset; the memory is kept. */
  reset(): void {
    const { kernelSpace } = this.#dev.context;
    kernelSpace.fill(this.doorbells.cpuAddr, this.#bytes, 0);
    kernelSpace.fill(this.eventIndexes.cpuAddr, this.#bytes, 0);
  }

  resetQueue(qid: number): void {
    for (const index of [2 * qid, 2 * qid + 1]) {
      this.#memory.store32(this.#doorbellPhys[index], 0);
      this.#memory.store32(this.#eventPhys[index], 0);
    }
  }

  /** True when the register has to be written too. */
  ringSq(qid: number, value: number): boolean {
    return this.#ring(2 * qid, value);
  }

  ringCq(qid: number, value: number): boolean {
    return this.#ring(2 * qid + 1, value);
  }

  free(): void {
    dmaFreeCoherent(this.#dev, this.#bytes, this.doorbells.cpuAddr, this.doorbells.dmaAddr);
    dmaFreeCoherent(this.#dev, this.#bytes, this.eventIndexes.cpuAddr, this.eventIndexes.dmaAddr);
  }

  /** The register is written when the device asked to be told on the way from the old value to the new. */
  #ring(index: number, value: number): boolean {
    const at = this.#doorbellPhys[index];
    const old = this.#memory.load32(at);
    this.#memory.store32(at, value);
    const event = this.#memory.load32(this.#eventPhys[index]);
    return ((value - event - 1) & 0xffff) < ((value - old) & 0xffff);
  }
}
