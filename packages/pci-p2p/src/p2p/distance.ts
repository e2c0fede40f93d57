import {
  PCI_P2PDMA_MAP_BUS_ADDR,
  PCI_P2PDMA_MAP_NOT_SUPPORTED,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '@dmalab/dma-api';
import { PCI_ACS_CR, PCI_ACS_EC, PCI_ACS_RR } from '../spec/capability-ids.ts';
import { hostBridgesAllowed } from './host-bridge-allow-list.ts';
import { logNotSupported, logRedirect, type MessageSink } from './kernel-messages.ts';
import { type PciNode, upstream } from './pci-node.ts';

/** What a pair's paths come to, before any host bridge is asked (spec T39.1 to T39.4). */
export interface PeerPath {
  /** Hops: both sides up to the common node, or both whole paths where there is none. */
  readonly distance: number;
  /** Whether the pair has a common bridge (or is one function). */
  readonly meets: boolean;
  /** Functions whose ACS control redirects, provider side first; empty where the paths do not meet. */
  readonly redirecting: readonly PciNode[];
}

/** How far apart two functions are and how a DMA between them has to be mapped. */
export interface PeerDistance {
  readonly type: number;
  readonly distance: number;
}

export interface DistanceOptions {
  /** Where L1, L2 and L4 go; null for a silent query. */
  readonly verbose: MessageSink | null;
  /** Where L3 goes, which does not ask whether the query is silent (spec T44, T92). */
  readonly log: MessageSink | null;
  /** CPU 0 is an AMD CPU of family 17h or later (spec T39.5). */
  readonly isZen: boolean;
}

/** ACS bits that send peer traffic through the root complex (spec T38). */
export const ACS_REDIRECTS = PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_EC;

/** Spec T38. */
export function redirects(node: PciNode): boolean {
  return (node.acsControl & ACS_REDIRECTS) !== 0;
}

/** `calc_map_type_and_dist` without its cache (spec T39). */
export function mapTypeAndDistance(provider: PciNode, client: PciNode, options: DistanceOptions): PeerDistance {
  const path = peerPath(provider, client);
  const { distance } = path;
  if (path.meets && path.redirecting.length === 0) return { type: PCI_P2PDMA_MAP_BUS_ADDR, distance };
  const { verbose, log, isZen } = options;
  if (path.meets && verbose !== null)
    logRedirect(
      verbose,
      client.name,
      provider.name,
      path.redirecting.map(({ name }) => name),
    );
  if (isZen || hostBridgesAllowed(provider, client, path.meets ? log : null))
    return { type: PCI_P2PDMA_MAP_THRU_HOST_BRIDGE, distance };
  if (verbose !== null) logNotSupported(verbose, client.name, provider.name);
  return { type: PCI_P2PDMA_MAP_NOT_SUPPORTED, distance };
}

/**
 * Both paths up to where they meet. The common node's own redirect bits count, those above it do not, and those found
 * while no common node exists are forgotten (spec T39, T40, T91).
 */
export function peerPath(provider: PciNode, client: PciNode): PeerPath {
  const redirecting: PciNode[] = [];
  let up = 0;
  for (let a: PciNode | null = provider; a !== null; a = upstream(a), up++) {
    if (redirects(a)) redirecting.push(a);
    const down = hopsTo(client, a);
    if (down < 0) continue;
    for (let b: PciNode | null = client; b !== null && b !== a; b = upstream(b)) if (redirects(b)) redirecting.push(b);
    return { distance: up + down, meets: true, redirecting };
  }
  return { distance: up + pathLength(client), meets: false, redirecting: [] };
}

function hopsTo(from: PciNode, to: PciNode): number {
  let hops = 0;
  for (let b: PciNode | null = from; b !== null; b = upstream(b), hops++) if (b === to) return hops;
  return -1;
}

function pathLength(from: PciNode): number {
  let nodes = 0;
  for (let b: PciNode | null = from; b !== null; b = upstream(b)) nodes++;
  return nodes;
}
