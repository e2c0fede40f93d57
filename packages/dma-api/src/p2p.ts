import type { Device } from './device/device.ts';

/** Map types of peer-to-peer memory (spec T30). 0 is internal: not calculated yet. */
export const PCI_P2PDMA_MAP_UNKNOWN = 0;
export const PCI_P2PDMA_MAP_NONE = 1;
export const PCI_P2PDMA_MAP_NOT_SUPPORTED = 2;
export const PCI_P2PDMA_MAP_BUS_ADDR = 3;
export const PCI_P2PDMA_MAP_THRU_HOST_BRIDGE = 4;

/** One memory BAR that a function offers to its peers (spec T31 to T34). Compared by identity. */
export interface P2pProvider {
  /** Bus address of the BAR minus its CPU address: what peers add to a physical address. */
  readonly busOffset: number;
}

/** What the DMA API asks about peer-to-peer memory; `@dmalab/pci-p2p` answers. */
export interface P2pClassifier {
  /** The provider behind that physical address, if it is registered peer-to-peer memory, else null (spec D30). */
  providerOf(phys: number): P2pProvider | null;
  /** How the client reaches that provider: one of the exported map types (spec T35). */
  mapType(provider: P2pProvider, client: Device): number;
}

/** `pci_p2pdma_map_state`: the provider met last and how this device reaches it (spec D30, T36). */
export class P2pMapState {
  provider: P2pProvider | null = null;
  type = PCI_P2PDMA_MAP_UNKNOWN;

  /** `pci_p2pdma_state`: a page that isn't peer-to-peer memory answers NONE and leaves the cached state alone. */
  classify(dev: Device, phys: number): number {
    const classifier = dev.context.p2p;
    if (classifier === null) return PCI_P2PDMA_MAP_NONE;
    const provider = classifier.providerOf(phys);
    if (provider === null) return PCI_P2PDMA_MAP_NONE;
    if (provider !== this.provider) {
      this.provider = provider;
      this.type = classifier.mapType(provider, dev);
    }
    return this.type;
  }

  /** Bus address of memory of the provider met last (spec T34). */
  busAddress(phys: number): number {
    return phys + (this.provider?.busOffset ?? 0);
  }
}
