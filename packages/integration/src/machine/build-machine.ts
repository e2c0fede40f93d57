import { DmaContext, type DmaContextOptions } from '@dmalab/dma-api';
import { KernelContext } from '@dmalab/iommu';
import {
  enumerateFabric,
  type FabricMemory,
  P2pdmaClassifier,
  PciFabric,
  pciClient,
  pciEnableAcs,
} from '@dmalab/pci-p2p';
import {
  type AddressMap,
  DevicePages,
  GFP_DMA,
  GFP_DMA32,
  PAGE_SIZE,
  PageAllocator,
  PageDescriptors,
  PageView,
  type ZoneLimits,
} from '@dmalab/phys-memory';
import type { SwiotlbPool } from '@dmalab/swiotlb';
import { TraceRing } from '@dmalab/trace';
import type { MachineHooks } from './hooks.ts';
import type { Machine } from './machine.ts';
import { checkDescription, type MachineDescription } from './machine-description.ts';
import { addressMapOf, zonesOf } from './parts/address-map.ts';
import { buildSwiotlb } from './parts/bounce-part.ts';
import { buildIommu, type IommuPart } from './parts/iommu-part.ts';
import { buildMemory } from './parts/memory-part.ts';
import { buildNvme, type NvmeSurroundings } from './parts/nvme-part.ts';
import { buildP2pdma } from './parts/peer-pages.ts';
import { buildPeer } from './parts/peer-part.ts';
import { plugIn } from './parts/topology.ts';

export interface BuildOptions {
  /** Count what the IOMMU does; each translation then costs a call more. Default false. */
  readonly meterIommu?: boolean;
  /** Trace events that the machine's recorder holds, a power of two. Default 65536. */
  readonly traceEvents?: number;
  /** Watch every mapping as a kernel with CONFIG_DMA_API_DEBUG does. Default false. */
  readonly dmaDebug?: boolean;
  /** Stands between the parts, to watch or to time them. Default: nothing does. */
  readonly hooks?: MachineHooks | undefined;
}

/** Where bridges put prefetchable 64-bit BARs: above any RAM that fits a description. */
const HIGH_WINDOW = { kind: 'prefetchable', cpuStart: 2 ** 39, lengthBytes: 2 ** 38 } as const;

/**
 * Builds a machine from its description and boots it as far as a kernel goes before the first driver probes: memory map
 * and page allocator, bounce pool, IOMMU, PCI enumeration, peer memory on offer.
 * @throws {MachineDescriptionError} when no machine can be like that
 */
export function buildMachine(description: MachineDescription, options: BuildOptions = {}): Machine {
  checkDescription(description);
  const { hooks } = options;
  const map = addressMapOf(description);
  const ram = map.ranges.filter(({ kind }) => kind === 'ram');
  const part = buildMemory(description, ram, hooks);
  const { memory } = part;
  const bounce = buildSwiotlb(description, map, part, hooks);
  const pages = buildPages(map, zonesOf(description), part.memory, bounce?.pool ?? null);
  const iommu =
    description.iommu === 'off' ? null : buildIommu(description, memory, pages, options.meterIommu ?? false);
  const fabric = buildFabric(part.device, map, iommu);
  const devicePages = new DevicePages(pages.pages);
  const kernel = new KernelContext({ possibleCpus: description.cpus });
  const swiotlb = bounce?.swiotlb ?? null;
  const dma: DmaContext = new DmaContext({
    memory,
    ram,
    era: description.era,
    ...(hooks !== undefined && { wrapFront: (front) => hooks.front(front, () => dma) }),
    kernel,
    ring: new TraceRing(options.traceEvents),
    swiotlb,
    pages: new PageView(pages.pages, devicePages),
    pageSource: pageSource(pages),
    cache: part.cache,
    encryption: part.encryption,
    sharedMemory: part.shared,
    ...atomicPools(description),
    options: {
      dmaApiDebug: options.dmaDebug ?? false,
      cacheMaintenance: !description.coherent,
      directRemap: !description.coherent,
    },
  });
  const p2p = buildP2pdma(devicePages, description.forwardsPeers);
  const devices = buildDevices({ description, fabric, iommu, dma }, p2p, hooks);
  const { ring } = dma;
  return { description, memory, cpu: part.cpu, pages, kernel, ring, swiotlb, iommu, fabric, dma, p2p, ...devices };
}

/** Where coherent memory can't come straight from the page allocator, callers that may not sleep need pools (spec D47). */
function atomicPools({ coherent, confidential }: MachineDescription): Pick<DmaContextOptions, 'atomicPools'> {
  const shared = confidential !== 'none';
  return coherent && !shared ? {} : { atomicPools: { zones: ['kernel', 'dma32', 'dma'], shared } };
}

/** Plugs in, enumerates, sets ACS as the kernel does, and puts the models behind their functions. */
function buildDevices(
  surroundings: NvmeSurroundings,
  p2p: Machine['p2p'],
  hooks: MachineHooks | undefined,
): Pick<Machine, 'nvme' | 'disks' | 'peers'> {
  const { description, fabric, iommu, dma } = surroundings;
  const functions = plugIn(description, fabric);
  enumerateFabric(fabric);
  const acs = { requested: iommu !== null, ...acsRedirection(description.commandLine) };
  for (const fn of fabric.functions()) pciEnableAcs(fn, acs);
  const classifier = new P2pdmaClassifier(p2p);
  dma.p2p = classifier;
  const first = description.devices.findIndex(({ kind }) => kind === 'nvme');
  const disks = description.devices.flatMap((device, i) =>
    device.kind === 'nvme' ? [buildNvme(surroundings, device, functions[i], i === first ? hooks : undefined)] : [],
  );
  const peers = description.devices.flatMap((device, i) =>
    device.kind === 'peer-memory' ? [buildPeer(fabric, p2p, device, functions[i])] : [],
  );
  for (const { device, pciFunction } of disks) classifier.bind(device, pciClient(pciFunction));
  return { nvme: disks[0], disks, peers };
}

/** `pci=disable_acs_redir=LIST`: ports that shall not send peer requests up to the IOMMU (spec T46). */
function acsRedirection(commandLine: string): { readonly disableAcsRedir?: string } {
  const list = /(?:^|\s)pci=(?:\S+,)?disable_acs_redir=([^\s,]+)/.exec(commandLine)?.[1];
  return list === undefined ? {} : { disableAcsRedir: list };
}

function buildPages(
  map: AddressMap,
  zones: ZoneLimits,
  memory: Machine['memory'],
  pool: SwiotlbPool | null,
): PageAllocator {
  const reserved = pool === null ? [] : [{ name: 'software IO TLB', start: pool.start, end: pool.end - 1 }];
  return new PageAllocator(new PageDescriptors(map, { reserved, zones }), memory);
}

/** The page allocator as the DMA API asks it: by physical address, any node where none is preferred. */
function pageSource(pages: PageAllocator) {
  return {
    allocPages(gfp: number, order: number, node: number): number {
      const pfn = pages.allocPages(gfp & (GFP_DMA | GFP_DMA32), order, Math.max(node, 0));
      return pfn < 0 ? -1 : pfn * PAGE_SIZE;
    },
    freePages(phys: number, order: number): void {
      pages.freePages(phys / PAGE_SIZE, order);
    },
  };
}

/** One host bridge that claims what the map calls its windows, and one for large BARs. */
function buildFabric(memory: FabricMemory, map: AddressMap, iommu: IommuPart | null): PciFabric {
  const low = map.ranges
    .filter(({ name }) => name === 'PCI Bus 0000:00')
    .map(({ start, end }) => ({ kind: 'memory' as const, cpuStart: start, lengthBytes: end - start + 1 }))
    .sort((a, b) => b.lengthBytes - a.lengthBytes); // BARs go to the first; the smallest is VGA's
  const windows = [...low, HIGH_WINDOW];
  const hostBridges = [{ windows, ...(iommu === null ? {} : { iommu: iommu.meter ?? iommu.unit }) }];
  const doorbellPage = iommu?.model.doorbellPage;
  return new PciFabric({ memory, hostBridges, ...(doorbellPage === undefined ? {} : { doorbellPage }) });
}
