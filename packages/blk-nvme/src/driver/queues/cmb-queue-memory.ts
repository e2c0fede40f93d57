import { type P2pdma, type P2pFunction, pciFreeP2pmem, pciP2pmemVirtToBus } from '@dmalab/pci-p2p';
import type { DmaAddr } from '@dmalab/phys-memory';
import { SQE_BYTES } from '../../spec/sqe.ts';
import type { DeviceBacking } from '../device-backing.ts';
import type { SubmissionRing } from './queue-memory.ts';

/**
 * A submission ring in the controller's own memory (spec N65): entries are written over the bus, and the controller finds
 * them without a request to the machine. Its address is the bus address, as no IOMMU lies between (spec T54).
 */
export class CmbQueueMemory implements SubmissionRing {
  readonly dmaAddr: DmaAddr;
  readonly #backing: DeviceBacking;
  readonly #p2pdma: P2pdma;
  readonly #fn: P2pFunction;
  readonly #phys: number;
  readonly #bytes: number;

  constructor(backing: DeviceBacking, p2pdma: P2pdma, fn: P2pFunction, phys: number, bytes: number) {
    this.dmaAddr = pciP2pmemVirtToBus(p2pdma, fn, phys) as DmaAddr;
    this.#backing = backing;
    this.#p2pdma = p2pdma;
    this.#fn = fn;
    this.#phys = phys;
    this.#bytes = bytes;
  }

  store(index: number, command: Uint32Array): void {
    const bytes = new Uint8Array(command.buffer, command.byteOffset, SQE_BYTES);
    this.#backing.writeMemory?.(this.#phys + index * SQE_BYTES, bytes, 0, SQE_BYTES);
  }

  free(): void {
    pciFreeP2pmem(this.#p2pdma, this.#fn, this.#phys, this.#bytes);
  }
}
