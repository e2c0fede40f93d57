import { type Device, type DmaMemory, dmaAllocCoherent, dmaFreeCoherent, GFP_ATOMIC } from '@dmalab/dma-api';
import { NVME_CTRL_PAGE_SIZE, NVME_SMALL_POOL_SIZE } from '../constants.ts';

const POOL_PAGE = 4096;

/**
 * Blocks of one size for PRP lists and SGLs (spec N54): grows by one coherent page, hands out from its start, and takes
 * frees onto a stack. Pages go back at removal only.
 */
export class DescriptorPool {
  /** Physical address, and where the device finds it, of the block that {@link alloc} handed out last. */
  phys = 0;
  dmaAddr = 0;
  readonly #dev: Device;
  readonly #blockBytes: number;
  readonly #pages: DmaMemory[] = [];
  #freePhys: number[] = [];
  #freeDma: number[] = [];

  constructor(dev: Device, blockBytes: number) {
    this.#dev = dev;
    this.#blockBytes = blockBytes;
  }

  /** Sets `phys` and `dmaAddr`; false when there is no memory. */
  alloc(): boolean {
    if (this.#freePhys.length === 0 && !this.#grow()) return false;
    this.phys = this.#freePhys.pop()!;
    this.dmaAddr = this.#freeDma.pop()!;
    return true;
  }

  free(phys: number, dmaAddr: number): void {
    this.#freePhys.push(phys);
    this.#freeDma.push(dmaAddr);
  }

  destroy(): void {
    for (const { cpuAddr, dmaAddr } of this.#pages) dmaFreeCoherent(this.#dev, POOL_PAGE, cpuAddr, dmaAddr);
    this.#pages.length = 0;
    this.#freePhys = [];
    this.#freeDma = [];
  }

  /** Pushed last block first, so that the stack gives them from the page's start. */
  #grow(): boolean {
    const page = dmaAllocCoherent(this.#dev, POOL_PAGE, GFP_ATOMIC);
    if (page === null) return false;
    this.#pages.push(page);
    const phys = this.#dev.context.kernelSpace.physOf(page.cpuAddr);
    for (let at = POOL_PAGE - this.#blockBytes; at >= 0; at -= this.#blockBytes) {
      this.free(phys + at, page.dmaAddr + at);
    }
    return true;
  }
}

/** The two pools of one device. */
export class DescriptorPools {
  readonly small: DescriptorPool;
  readonly large: DescriptorPool;

  constructor(dev: Device) {
    this.small = new DescriptorPool(dev, NVME_SMALL_POOL_SIZE);
    this.large = new DescriptorPool(dev, NVME_CTRL_PAGE_SIZE);
  }

  destroy(): void {
    this.large.destroy();
    this.small.destroy();
  }
}
