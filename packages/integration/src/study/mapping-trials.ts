import {
  DMA_ATTR_MMIO,
  DMA_TO_DEVICE,
  type DmaEra,
  dmaFront,
  dmaSetMaskAndCoherent,
  PCI_P2PDMA_MAP_BUS_ADDR,
  PCI_P2PDMA_MAP_THRU_HOST_BRIDGE,
} from '@dmalab/dma-api';
import { pciClient } from '@dmalab/pci-p2p';
import { DMA_MAPPING_ERROR, PAGE_SIZE, type PhysAddr } from '@dmalab/phys-memory';
import { buildMachine } from '../machine/build-machine.ts';
import type { Machine } from '../machine/machine.ts';
import type { MachineDescription } from '../machine/machine-description.ts';
import { PEER_BAR } from '../machine/parts/topology.ts';

/** What somebody may want a device to reach. */
export const MAPPING_TARGETS = [
  'RAM',
  'RAM without page descriptor',
  'device registers (MMIO)',
  'peer BAR with page descriptors',
  'peer BAR without page descriptors',
] as const;

export type MappingTarget = (typeof MAPPING_TARGETS)[number];

/** One try to make a kind of memory reachable for a machine's disk. */
export interface MappingTrial {
  readonly machine: string;
  readonly era: DmaEra;
  readonly target: MappingTarget;
  /** `bus address`: reachable without any mapping call (spec T34). */
  readonly outcome: 'mapped' | 'bus address' | 'refused';
  /** The call that did it or refused; of a refusal also the reason. */
  readonly how: string;
}

type Outcome = Pick<MappingTrial, 'outcome' | 'how'>;

/** Beyond any RAM and any BAR: memory that was kept from the kernel has no descriptors there (spec P4). */
const NAMELESS_PHYS = 2 ** 38;

/** Tries everything on one machine, with both interfaces; peers' memory only where there is a peer. */
export function tryMappings(description: MachineDescription): MappingTrial[] {
  return (['page', 'phys'] as const).flatMap((era) => {
    const outcomes = [...tryOwnMemory({ ...description, era }), ...tryPeerMemory({ ...description, era })];
    return outcomes.map((outcome, i) => ({ machine: description.name, era, target: MAPPING_TARGETS[i], ...outcome }));
  });
}

/** The first three targets. */
function tryOwnMemory(description: MachineDescription): Outcome[] {
  const machine = buildReady(description);
  const { pages, nvme } = machine;
  const ram = pages.allocPages(0, 0) * PAGE_SIZE;
  return [
    mapVector(machine, ram),
    mapVector(machine, NAMELESS_PHYS),
    mapMmio(machine, nvme.pciFunction.barCpuAddress(0)),
  ];
}

/** The other two, where there is a peer. */
function tryPeerMemory(description: MachineDescription): Outcome[] {
  if (!description.devices.some(({ kind }) => kind === 'peer-memory')) return [];
  return [true, false].map((hasPages) => mapPeer(buildReady(withPeerPages(description, hasPages)), hasPages));
}

/** With the mask that the disk's driver sets before it maps anything. */
function buildReady(description: MachineDescription): Machine {
  const machine = buildMachine(description);
  dmaSetMaskAndCoherent(machine.nvme.device, 2 ** 52 - 1);
  return machine;
}

function withPeerPages(description: MachineDescription, hasPages: boolean): MachineDescription {
  const devices = description.devices.map((device) =>
    device.kind === 'peer-memory' ? { ...device, hasPages } : device,
  );
  return { ...description, devices };
}

function mapVector(machine: Machine, phys: number): Outcome {
  const { dma, nvme } = machine;
  const how = dma.era === 'page' ? 'dma_map_page' : 'dma_map_phys';
  const address = dmaFront(dma).mapVector(nvme.device, phys as PhysAddr, PAGE_SIZE, DMA_TO_DEVICE);
  if (address !== DMA_MAPPING_ERROR) return { outcome: 'mapped', how };
  const isNameless = dma.era === 'page' && !dma.pages.hasPage(phys);
  return { outcome: 'refused', how: isNameless ? `${how}: there is no page to pass` : `${how}: out of reach` };
}

function mapMmio({ dma, nvme }: Machine, phys: number): Outcome {
  const how = dma.era === 'page' ? 'dma_map_resource' : 'dma_map_phys + DMA_ATTR_MMIO';
  const address = dmaFront(dma).mapVector(nvme.device, phys as PhysAddr, PAGE_SIZE, DMA_TO_DEVICE, DMA_ATTR_MMIO);
  if (address !== DMA_MAPPING_ERROR) return { outcome: 'mapped', how };
  // Spec D17 steps 2 and 4.
  const why = nvme.device.forceBounce ? 'MMIO cannot bounce' : 'out of reach';
  return { outcome: 'refused', how: `${how}: ${why}` };
}

/** The caller classifies, as the block layer does (spec D22); without descriptors a page-based request can't hold the memory. */
function mapPeer(machine: Machine, hasPages: boolean): Outcome {
  const { p2p, peers, nvme, dma } = machine;
  const [peer] = peers;
  if (dma.era === 'page' && !hasPages) return mapVector(machine, peer.phys);
  const provider = p2p.pcimP2pdmaProvider(peer.pciFunction, PEER_BAR);
  const type = provider === null ? -1 : p2p.pciP2pdmaMapType(provider, pciClient(nvme.pciFunction));
  if (type === PCI_P2PDMA_MAP_BUS_ADDR) return { outcome: 'bus address', how: 'no call' };
  if (type !== PCI_P2PDMA_MAP_THRU_HOST_BRIDGE) return { outcome: 'refused', how: 'no path between the two devices' };
  return mapMmio(machine, peer.phys);
}
