import {
  type DmaMemory,
  dmaAllocCoherent,
  dmaFreeCoherent,
  dmaGetMergeBoundary,
  GFP_KERNEL,
  type KernelPointer,
} from '@dmalab/dma-api';
import type { DmaAddr } from '@dmalab/phys-memory';
import { high32 } from '../../spec/bits.ts';
import { Feature } from '../../spec/features.ts';
import { AdminOpcode } from '../../spec/opcodes.ts';
import type { NvmeDriver } from '../nvme-driver.ts';

const UNIT = 4096;
const MIB = 2 ** 20;
/** Largest run that the page allocator gives: order 10. */
const LARGEST_CHUNK = 4 * MIB;
const SMALLEST_CHUNK = 8192;
const DESCRIPTOR_BYTES = 16;
const EHM = 1 << 0;
const MR = 1 << 1;

interface Chunk {
  readonly memory: DmaMemory;
  readonly bytes: number;
}

/** Memory that the controller borrows from the host (spec N67). Failing to get any is no error. */
export class HostMemoryBuffer {
  readonly #driver: NvmeDriver;
  #chunks: Chunk[] = [];
  #list: DmaMemory | null = null;
  #listBytes = 0;

  constructor(driver: NvmeDriver) {
    this.#driver = driver;
  }

  get sizeBytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  }

  /** Always 0, or a negative errno that ends the probe. */
  setUp(): number {
    const { identity, parameters, log } = this.#driver;
    const { hmpre, hmmin } = identity!;
    if (hmpre === 0) return 0;
    const most = parameters.maxHostMemSizeMb * MIB;
    const preferred = Math.min(hmpre * UNIT, most);
    const least = hmmin * UNIT;
    if (least > most) {
      log.warn(`min host memory (${Math.floor(least / MIB)} MiB) above limit (${parameters.maxHostMemSizeMb} MiB).`);
      return 0;
    }
    const reused = this.#chunks.length > 0 && this.sizeBytes >= least;
    if (!reused) {
      this.free();
      if (!this.#allocate(preferred, least)) return 0;
    }
    // A status says that the controller does not want it, which is its business; an errno ends the probe.
    return Math.min(this.#tell(EHM | (reused ? MR : 0)), 0);
  }

  #allocate(preferred: number, least: number): boolean {
    const { device, identity, log } = this.#driver;
    const boundary = dmaGetMergeBoundary(device);
    const oneRange = boundary !== 0 && (UNIT & boundary) === 0;
    if (oneRange) this.#take(preferred);
    const smallest = Math.max(identity!.hmminds * UNIT, SMALLEST_CHUNK);
    const most = identity!.hmmaxd === 0 ? Number.POSITIVE_INFINITY : identity!.hmmaxd;
    for (let chunk = Math.min(preferred, LARGEST_CHUNK); this.#chunks.length === 0 && chunk >= smallest; chunk /= 2) {
      while (
        this.sizeBytes < preferred &&
        this.#chunks.length < most &&
        this.#take(Math.min(chunk, preferred - this.sizeBytes))
      );
      if (this.sizeBytes < Math.max(least, 1)) this.#freeChunks();
    }
    if (this.#chunks.length === 0 || !this.#writeList()) {
      log.warn('failed to allocate host memory buffer.');
      this.free();
      return false;
    }
    const count = this.#chunks.length;
    const size = Math.floor(this.sizeBytes / MIB);
    log.info(`allocated ${size} MiB host memory buffer (${count} segment${count > 1 ? 's' : ''}).`);
    return true;
  }

  #take(bytes: number): boolean {
    const memory = dmaAllocCoherent(this.#driver.device, bytes, GFP_KERNEL);
    if (memory === null) return false;
    this.#chunks.push({ memory, bytes });
    return true;
  }

  #writeList(): boolean {
    const { device, context } = this.#driver;
    this.#listBytes = this.#chunks.length * DESCRIPTOR_BYTES;
    this.#list = dmaAllocCoherent(device, this.#listBytes, GFP_KERNEL);
    if (this.#list === null) return false;
    for (const [i, { memory, bytes }] of this.#chunks.entries()) {
      const at = context.kernelSpace.physOf((this.#list.cpuAddr + i * DESCRIPTOR_BYTES) as KernelPointer);
      context.memory.store32(at, memory.dmaAddr);
      context.memory.store32(at + 4, high32(memory.dmaAddr));
      context.memory.store32(at + 8, bytes / UNIT);
      context.memory.store32(at + 12, 0);
    }
    return true;
  }

  #tell(bits: number): number {
    const address = this.#list!.dmaAddr;
    return this.#driver.admin.run({
      opcode: AdminOpcode.SET_FEATURES,
      cdw10: Feature.HOST_MEM_BUF,
      cdw11: bits,
      cdw12: this.sizeBytes / UNIT,
      cdw13: address >>> 0,
      cdw14: high32(address),
      cdw15: this.#chunks.length,
    });
  }

  free(): void {
    if (this.#list !== null)
      dmaFreeCoherent(this.#driver.device, this.#listBytes, this.#list.cpuAddr, this.#list.dmaAddr);
    this.#list = null;
    this.#freeChunks();
  }

  /** At removal the list is freed whether there is one or not: a zero-size `dma_free` in the trace (spec N98, N180). */
  remove(): void {
    if (this.#list === null) dmaFreeCoherent(this.#driver.device, 0, null, 0 as DmaAddr);
    this.free();
  }

  #freeChunks(): void {
    for (const { memory, bytes } of this.#chunks) {
      dmaFreeCoherent(this.#driver.device, bytes, memory.cpuAddr, memory.dmaAddr);
    }
    this.#chunks = [];
  }
}
