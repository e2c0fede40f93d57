import type { P2pProvider } from '@dmalab/dma-api';
import type { P2pFunction } from './p2p-function.ts';
import type { P2pMemPool } from './p2pmem-pool.ts';

/** One memory BAR as peers may be given it: usable without page descriptors (spec T31 to T34). */
export class P2pdmaProvider implements P2pProvider {
  readonly owner: P2pFunction;
  readonly bar: number;
  /** Bus address of the BAR minus its CPU address. */
  readonly busOffset: number;

  constructor(owner: P2pFunction, bar: number) {
    this.owner = owner;
    this.bar = bar;
    this.busOffset = owner.barBusAddress(bar) - owner.barCpuAddress(bar);
  }
}

/** The peer-to-peer state of one provider function (spec T31). */
export class P2pdmaState {
  /** By BAR; null for I/O BARs and absent ones. */
  readonly providers: readonly (P2pdmaProvider | null)[];
  readonly mapTypes = new Map<number, number>();
  pool: P2pMemPool | null = null;
  published = false;
  /** Unbinding has begun: nothing is handed out any more (spec T58). */
  dying = false;

  constructor(owner: P2pFunction) {
    this.providers = Array.from({ length: 6 }, (_, bar) =>
      owner.barSize(bar) > 0 ? new P2pdmaProvider(owner, bar) : null,
    );
  }
}

/** `pci_p2pdma_bus_addr_map` (spec T34). */
export function pciP2pdmaBusAddrMap(provider: P2pProvider, phys: number): number {
  return phys + provider.busOffset;
}
