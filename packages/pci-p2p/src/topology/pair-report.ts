import {
  PCI_P2PDMA_MAP_BUS_ADDR,
  PCI_P2PDMA_MAP_NOT_SUPPORTED,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '@dmalab/dma-api';
import { mapTypeAndDistance, type PeerPath, peerPath } from '../p2p/distance.ts';
import { rootDevice } from '../p2p/host-bridge-allow-list.ts';
import { mapTypeName } from '../p2p/map-type.ts';
import { type PciNode, upstream } from '../p2p/pci-node.ts';
import type { DumpNode } from './dump-topology.ts';

/** What one client sees of one provider. */
export interface PairReport {
  readonly provider: string;
  readonly client: string;
  readonly type: string;
  readonly distance: number;
  /** Functions from the provider to the client; "root complex" where the paths meet nowhere below it. */
  readonly path: readonly string[];
  /** What `dma_map_phys` and its callers do (spec T60). */
  readonly physApi: string;
  /** What the page-based calls do (spec T60). */
  readonly pageApi: string;
  /** Why it is not the bus address; empty when it is. */
  readonly why: string;
  /** What would change that; empty when nothing is needed. */
  readonly remedy: string;
  /** What the dump does not show and the answer depends on. */
  readonly unknown: readonly string[];
}

/** Spec T60, by map type. */
const PHYS_API: Readonly<Record<number, string>> = {
  [PCI_P2PDMA_MAP_BUS_ADDR]:
    'the caller programs phys + bus offset and does not call dma_map_phys; no IOVA, no unmap, no page descriptor needed',
  [PCI_P2PDMA_MAP_THRU_HOST_BRIDGE]:
    'dma_map_phys with DMA_ATTR_MMIO: never bounced, no cache work, an IOVA where an IOMMU translates; unmap repeats the attribute',
  [PCI_P2PDMA_MAP_NOT_SUPPORTED]: 'the caller sees the map type and fails the I/O (block layer: EINVAL)',
};
const PAGE_API: Readonly<Record<number, string>> = {
  [PCI_P2PDMA_MAP_BUS_ADDR]:
    'dma_map_sg marks the entry as a bus address, if the BAR has page descriptors; dma_map_page would treat it as RAM',
  [PCI_P2PDMA_MAP_THRU_HOST_BRIDGE]:
    'dma_map_sg maps it like RAM, if the BAR has page descriptors; forced bouncing would bounce device memory',
  [PCI_P2PDMA_MAP_NOT_SUPPORTED]: 'dma_map_sgtable returns -EREMOTEIO, dma_map_sg 0; dma_map_page maps it all the same',
};

/** Judges one pair as the kernel would (spec T39), and says what the answer rests on. */
export function reportPair(provider: DumpNode, client: DumpNode, isZen: boolean): PairReport {
  const path = peerPath(provider, client);
  const { type, distance } = mapTypeAndDistance(provider, client, { verbose: null, log: null, isZen });
  const names = path.redirecting.map(({ name }) => name);
  return {
    ...{ provider: provider.name, client: client.name, type: mapTypeName(type), distance },
    path: describePath(provider, client, path),
    physApi: PHYS_API[type],
    pageApi: PAGE_API[type],
    why: type === PCI_P2PDMA_MAP_BUS_ADDR ? '' : whyNot(provider, client, path, type),
    remedy: type === PCI_P2PDMA_MAP_BUS_ADDR ? '' : remedyFor(path, type, names),
    unknown: unknownOf(provider, client, path, isZen),
  };
}

function describePath(provider: DumpNode, client: DumpNode, { meets }: PeerPath): string[] {
  if (meets) return pathNodes(provider, client).map(nameOf);
  return [...nodesOf(provider).map(nameOf), 'root complex', ...nodesOf(client).reverse().map(nameOf)];
}

/** Up to the common node and down again. */
function pathNodes(provider: PciNode, client: PciNode): PciNode[] {
  const up = nodesOf(provider);
  const down = nodesOf(client);
  const common = up.findIndex((node) => down.includes(node));
  return [...up.slice(0, common + 1), ...down.slice(0, down.indexOf(up[common])).reverse()];
}

function nodesOf(from: PciNode): PciNode[] {
  const nodes: PciNode[] = [];
  for (let at: PciNode | null = from; at !== null; at = upstream(at)) nodes.push(at);
  return nodes;
}

function nameOf({ name }: PciNode): string {
  return name;
}

function whyNot(provider: DumpNode, client: DumpNode, path: PeerPath, type: number): string {
  const detour = path.meets
    ? `ACS redirects at ${path.redirecting.map(nameOf).join(', ')}`
    : 'no bridge is above both, so that requests pass the root complex';
  if (type === PCI_P2PDMA_MAP_THRU_HOST_BRIDGE) return detour;
  return `${detour}; ${hostBridgeText(provider, client)}`;
}

function hostBridgeText(provider: DumpNode, client: DumpNode): string {
  const root = rootDevice(provider.hostBridge);
  const other = provider.hostBridge === client.hostBridge ? null : rootDevice(client.hostBridge);
  if (root === null) return `root bus ${provider.hostBridge.name} has no root device that the allow-list could name`;
  const names = [root, ...(other === null ? [] : [other])].map((node) => `${node.name} (${idsOf(node)})`);
  return `host bridge ${names.join(' or ')} is not on the kernel's allow-list for this pair`;
}

function idsOf({ vendor, device }: PciNode): string {
  const hex = (value: number) => (value < 0 ? '????' : value.toString(16).padStart(4, '0'));
  return `${hex(vendor)}:${hex(device)}`;
}

function remedyFor({ meets }: PeerPath, type: number, names: readonly string[]): string {
  if (meets)
    return `pci=disable_acs_redir=${names.join(';')} (merges IOMMU groups; needs ports that turn peer requests around)`;
  const move = 'both behind one switch, whose ports then carry the traffic';
  return type === PCI_P2PDMA_MAP_NOT_SUPPORTED ? `${move}, or a CPU or host bridge that forwards peer requests` : move;
}

/** Only what is on the path counts (spec T40), and the root devices where requests pass the root complex. */
function unknownOf(provider: DumpNode, client: DumpNode, path: PeerPath, isZen: boolean): string[] {
  const unknown: string[] = [];
  const nodes = path.meets ? (pathNodes(provider, client) as DumpNode[]) : [];
  for (const { dump, name } of nodes) if (!dump.acsKnown) unknown.push(`ACS of ${name}: taken as not redirecting`);
  const roots = [rootDevice(provider.hostBridge), rootDevice(client.hostBridge)];
  const viaRoot = !path.meets || path.redirecting.length > 0;
  if (viaRoot && !isZen && roots.some((root) => root !== null && root.vendor < 0))
    unknown.push('ids of the host bridge: taken as not on the allow-list (run lspci with -nn)');
  return unknown;
}
