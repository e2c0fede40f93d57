import type { PciNode } from './pci-node.ts';

/** A PCI function that can offer its memory BARs to peers. A function of a fabric is one. */
export interface P2pFunction extends PciNode {
  /** Flagged "BARs must not be mapped" (spec T32). */
  readonly nonMappableBars: boolean;
  /** Bytes of a memory BAR, 0 where there is none. */
  barSize(index: number): number;
  barBusAddress(index: number): number;
  /** CPU address of the BAR ("resource start", spec T5). */
  barCpuAddress(index: number): number;
}

/** A device that wants to reach peer memory: a PCI function, or something below one, or neither (spec T50). */
export interface P2pClient {
  readonly name: string;
  /** The function that this device is, or null. */
  readonly pci: PciNode | null;
  readonly parent: P2pClient | null;
}

/** A PCI function as a client. */
export function pciClient(node: PciNode): P2pClient {
  return { name: node.name, pci: node, parent: null };
}

/** Nearest ancestor-or-self that is a PCI function (spec T50). */
export function pciParent(client: P2pClient): PciNode | null {
  for (let at: P2pClient | null = client; at !== null; at = at.parent) if (at.pci !== null) return at.pci;
  return null;
}
