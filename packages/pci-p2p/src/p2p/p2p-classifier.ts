import { type Device, type P2pClassifier, type P2pProvider, PCI_P2PDMA_MAP_NOT_SUPPORTED } from '@dmalab/dma-api';
import type { P2pClient } from './p2p-function.ts';
import type { P2pdma } from './p2pdma.ts';

/**
 * Answers the DMA API's questions about peer-to-peer memory (spec T36, T60): put it into the machine's `DmaContext` and
 * say for each device which function it is.
 */
export class P2pdmaClassifier implements P2pClassifier {
  readonly #p2p: P2pdma;
  readonly #clients = new WeakMap<Device, P2pClient>();

  constructor(p2p: P2pdma) {
    this.#p2p = p2p;
  }

  bind(device: Device, client: P2pClient): void {
    this.#clients.set(device, client);
  }

  providerOf(phys: number): P2pProvider | null {
    return this.#p2p.providerOf(phys);
  }

  /** A device that was bound to nothing is not on PCI. */
  mapType(provider: P2pProvider, device: Device): number {
    const client = this.#clients.get(device);
    return client === undefined ? PCI_P2PDMA_MAP_NOT_SUPPORTED : this.#p2p.pciP2pdmaMapType(provider, client);
  }
}
