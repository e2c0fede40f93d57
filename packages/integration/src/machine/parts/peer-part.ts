import type { P2pdma, PciFabric, PciFunction } from '@dmalab/pci-p2p';
import { PciDevice } from '@dmalab/pci-p2p';
import type { PhysMemory } from '@dmalab/phys-memory';
import type { PeerMemoryDescription } from '../machine-description.ts';
import { PeerMemory } from './peer-memory.ts';
import { PEER_BAR } from './topology.ts';

/** A device that offers memory, and what is in it. */
export interface PeerPart {
  readonly pciFunction: PciFunction;
  /** What its BAR holds, from address 0 on, and what the device itself works on. */
  readonly memory: PhysMemory;
  /** Physical address of the first of these bytes. */
  readonly phys: number;
}

/** Makes a peer's memory reachable, and offers it the way its driver does: with page descriptors or without. */
export function buildPeer(
  fabric: PciFabric,
  p2p: P2pdma,
  peer: PeerMemoryDescription,
  pciFunction: PciFunction,
): PeerPart {
  const bar = new PeerMemory(peer.barBytes);
  pciFunction.attach(PEER_BAR, bar);
  new PciDevice(fabric, 0, pciFunction.rid, { bar: PEER_BAR }).enable();
  if (peer.hasPages) p2p.pciP2pdmaAddResource(pciFunction, PEER_BAR, 0, 0);
  else p2p.pcimP2pdmaInit(pciFunction);
  return { pciFunction, memory: bar.memory, phys: pciFunction.barCpuAddress(PEER_BAR) };
}
