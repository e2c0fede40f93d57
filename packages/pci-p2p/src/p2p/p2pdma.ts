import { type P2pProvider, PCI_P2PDMA_MAP_NOT_SUPPORTED } from '@dmalab/dma-api';
import { mapTypeAndDistance, type PeerDistance } from './distance.ts';
import { EINVAL, EOPNOTSUPP } from './errno.ts';
import { logAddedMemory, logNotPci, type MessageSink } from './kernel-messages.ts';
import { type P2pClient, type P2pFunction, pciParent } from './p2p-function.ts';
import { P2pMemPool } from './p2pmem-pool.ts';
import type { PciNode } from './pci-node.ts';
import { P2pdmaProvider, P2pdmaState } from './provider.ts';

export interface P2pdmaOptions {
  /** CPU 0 is an AMD CPU of family 17h or later: every host bridge forwards (spec T39.5). Default false. */
  readonly isZen?: boolean;
  /** Where the kernel's log lines go; default nowhere. */
  readonly log?: MessageSink;
  /** Gives a range page descriptors, and takes them away, where the machine has any (spec T53, T58). */
  readonly devicePages?: {
    add(phys: number, lengthBytes: number): void;
    remove(phys: number, lengthBytes: number): void;
  };
}

/** The kernel's peer-to-peer code for one machine: who provides memory, and how each client reaches it. */
export class P2pdma {
  readonly log: MessageSink;
  readonly #isZen: boolean;
  readonly #devicePages: P2pdmaOptions['devicePages'];
  readonly #states = new Map<P2pFunction, P2pdmaState>();
  #warnedUninitialised = false;

  constructor(options: P2pdmaOptions = {}) {
    this.log = options.log ?? (() => {});
    this.#isZen = options.isZen ?? false;
    this.#devicePages = options.devicePages;
  }

  /** The state of a provider, or undefined before `pcimP2pdmaInit` and after release. */
  stateOf(fn: P2pFunction): P2pdmaState | undefined {
    return this.#states.get(fn);
  }

  /** Every provider function, in the order of `pcimP2pdmaInit`. */
  providers(): P2pFunction[] {
    return [...this.#states.keys()];
  }

  /** `pcim_p2pdma_init`: 0, or -EOPNOTSUPP for a function whose BARs must not be mapped (spec T32). */
  pcimP2pdmaInit(fn: P2pFunction): number {
    if (fn.nonMappableBars) return EOPNOTSUPP;
    if (!this.#states.has(fn)) this.#states.set(fn, new P2pdmaState(fn));
    return 0;
  }

  /** `pcim_p2pdma_provider`: the record of a memory BAR, or null (spec T33). */
  pcimP2pdmaProvider(fn: P2pFunction, bar: number): P2pdmaProvider | null {
    if (fn.barSize(bar) === 0 || fn.nonMappableBars) return null;
    const state = this.#states.get(fn);
    if (state !== undefined) return state.providers[bar];
    if (!this.#warnedUninitialised) {
      this.#warnedUninitialised = true;
      this.log({ id: 'T33', level: 'warn', device: fn.name, text: 'peer-to-peer provider was not initialised' });
    }
    return null;
  }

  /** `pci_p2pdma_map_type`: a direct type test, no search for a PCI parent (spec T35, T93). */
  pciP2pdmaMapType(provider: P2pProvider, client: P2pClient): number {
    if (!(provider instanceof P2pdmaProvider)) return PCI_P2PDMA_MAP_NOT_SUPPORTED;
    const state = this.#states.get(provider.owner);
    if (state === undefined || client.pci === null) return PCI_P2PDMA_MAP_NOT_SUPPORTED;
    return state.mapTypes.get(cacheKey(client.pci)) ?? this.#calculate(provider.owner, client.pci, true).type;
  }

  /** `pci_p2pdma_distance`: the one-client form. */
  pciP2pdmaDistance(provider: P2pFunction, client: P2pClient, verbose: boolean): number {
    return this.pciP2pdmaDistanceMany(provider, [client], verbose);
  }

  /** `pci_p2pdma_distance_many`: the sum of distances, or -1 where one client cannot talk (spec T50). */
  pciP2pdmaDistanceMany(provider: P2pFunction, clients: readonly P2pClient[], verbose: boolean): number {
    let sum = 0;
    let canTalk = clients.length > 0;
    for (const client of clients) {
      const node = pciParent(client);
      if (node === null) {
        if (verbose) logNotPci(this.log, client.name);
        return -1;
      }
      const { type, distance } = this.#calculate(provider, node, verbose);
      if (type === PCI_P2PDMA_MAP_NOT_SUPPORTED) canTalk = false;
      if (!canTalk && !verbose) return -1;
      sum += distance;
    }
    return canTalk ? sum : -1;
  }

  /**
   * `pci_p2pdma_add_resource`: puts part of a memory BAR into the provider's pool and gives it page descriptors; size 0
   * is the rest of the BAR. 0, -EINVAL or the error of `pcimP2pdmaInit` (spec T53).
   */
  pciP2pdmaAddResource(fn: P2pFunction, bar: number, sizeBytes: number, offset: number): number {
    const barBytes = fn.barSize(bar);
    if (offset >= barBytes || sizeBytes + offset > barBytes) return EINVAL; // an absent BAR has no bytes
    const lengthBytes = sizeBytes === 0 ? barBytes - offset : sizeBytes;
    const error = this.pcimP2pdmaInit(fn);
    if (error !== 0) return error;
    const state = this.#states.get(fn);
    const provider = state?.providers[bar];
    if (state === undefined || provider === null || provider === undefined) return EINVAL;
    state.pool ??= new P2pMemPool();
    const phys = fn.barCpuAddress(bar) + offset;
    this.#devicePages?.add(phys, lengthBytes);
    state.pool.add({ provider, phys, lengthBytes });
    logAddedMemory(this.log, fn.name, phys, lengthBytes);
    return 0;
  }

  /** The record behind a physical address that has peer-to-peer page descriptors, else null (spec T36). */
  providerOf(phys: number): P2pdmaProvider | null {
    for (const { pool } of this.#states.values())
      for (const chunk of pool?.chunks ?? [])
        if (phys >= chunk.phys && phys < chunk.phys + chunk.lengthBytes) return chunk.provider;
    return null;
  }

  /**
   * The provider's driver unbinds: nothing more is handed out, and once every block came back the state, its cache and
   * its page descriptors go. False while blocks are still in use; the kernel waits there (spec T58).
   */
  release(fn: P2pFunction): boolean {
    const state = this.#states.get(fn);
    if (state === undefined) return true;
    state.dying = true;
    const { pool } = state;
    if (pool !== null && pool.availableBytes < pool.sizeBytes) return false;
    for (const { phys, lengthBytes } of pool?.chunks ?? []) this.#devicePages?.remove(phys, lengthBytes);
    this.#states.delete(fn);
    return true;
  }

  /** `calc_map_type_and_dist` and its cache, which a silent query fills too (spec T39.6, T42). */
  #calculate(provider: P2pFunction, client: PciNode, verbose: boolean): PeerDistance {
    const { log } = this;
    const answer = mapTypeAndDistance(provider, client, { verbose: verbose ? log : null, log, isZen: this.#isZen });
    this.#states.get(provider)?.mapTypes.set(cacheKey(client), answer.type);
    return answer;
  }
}

/** Domain << 16 | own requester id: a VF has its own (spec T39.6). Domains may be wider than 16 bits. */
function cacheKey({ domain, rid }: PciNode): number {
  return domain * 0x1_0000 + rid;
}
