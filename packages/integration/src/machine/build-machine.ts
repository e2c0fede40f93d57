import { DmaContext } from '@dmalab/dma-api';
import { KernelContext } from '@dmalab/iommu';
import { type DmaRemapper, PciFabric } from '@dmalab/pci-p2p';
import {
  type AddressMap,
  GFP_DMA,
  GFP_DMA32,
  PAGE_SIZE,
  PageAllocator,
  PageDescriptors,
  PageView,
  PhysMemory,
  q35AddressMap,
} from '@dmalab/phys-memory';
import { IO_TLB_SIZE, type PoolPlan, planBootPool, reserveBootPool, Swiotlb, SwiotlbPool } from '@dmalab/swiotlb';
import { TraceRing } from '@dmalab/trace';
import { buildIommu } from './iommu-part.ts';
import type { Machine } from './machine.ts';
import { checkDescription, type MachineDescription } from './machine-description.ts';
import { buildNvme } from './nvme-part.ts';

export interface BuildOptions {
  /** Count what the IOMMU does; each translation then costs a call more. Default false. */
  readonly meterIommu?: boolean;
  /** Trace events that the machine's recorder holds, a power of two. Default 65536. */
  readonly traceEvents?: number;
}

/**
 * Builds a machine from its description and boots it as far as a kernel goes before the first driver probes: memory map
 * and page allocator, bounce pool, IOMMU, PCI enumeration.
 * @throws {MachineDescriptionError} when no machine can be like that
 */
export function buildMachine(description: MachineDescription, options: BuildOptions = {}): Machine {
  checkDescription(description);
  const map = q35AddressMap(description.memoryBytes);
  const ram = map.ranges.filter(({ kind }) => kind === 'ram');
  const memory = new PhysMemory({ spans: ram });
  const kernel = new KernelContext({ possibleCpus: description.cpus });
  const ring = new TraceRing(options.traceEvents);
  const plan = planPool(description, map);
  const { geometry } = reserveBootPool(plan, exclusiveEnds(ram));
  const pages = buildPages(map, memory, geometry);
  const pool = geometry === null ? null : new SwiotlbPool(geometry);
  const swiotlb = pool === null ? null : new Swiotlb({ memory, pool, force: plan.force });
  const iommu = description.iommu === 'off' ? null : buildIommu(memory, pages, options.meterIommu ?? false);
  const fabric = buildFabric(memory, map, iommu?.meter ?? iommu?.unit ?? null);
  const dma = new DmaContext({
    memory,
    ram,
    era: description.era,
    kernel,
    ring,
    swiotlb,
    pages: new PageView(pages.pages),
    pageSource: pageSource(pages),
  });
  const nvme = buildNvme({ description, fabric, iommu, dma });
  return { description, memory, pages, kernel, ring, swiotlb, iommu, fabric, dma, nvme };
}

function planPool({ commandLine, cpus }: MachineDescription, map: AddressMap): PoolPlan {
  const ram = exclusiveEnds(map.ranges.filter(({ kind }) => kind === 'ram'));
  return planBootPool({ platform: 'x86', commandLine, possibleCpus: cpus, ram });
}

/** `/proc/iomem` prints last bytes; the boot allocator counts to the byte after. */
function exclusiveEnds(ranges: readonly { start: number; end: number }[]): { start: number; end: number }[] {
  return ranges.map(({ start, end }) => ({ start, end: end + 1 }));
}

function buildPages(
  map: AddressMap,
  memory: PhysMemory,
  pool: { start: number; slotCount: number } | null,
): PageAllocator {
  const reserved =
    pool === null
      ? []
      : [{ name: 'software IO TLB', start: pool.start, end: pool.start + pool.slotCount * IO_TLB_SIZE - 1 }];
  return new PageAllocator(new PageDescriptors(map, { reserved }), memory);
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

/** One host bridge that claims what the map calls its windows. */
function buildFabric(memory: PhysMemory, map: AddressMap, iommu: DmaRemapper | null): PciFabric {
  const windows = map.ranges
    .filter(({ name }) => name === 'PCI Bus 0000:00')
    .map(({ start, end }) => ({ kind: 'memory' as const, cpuStart: start, lengthBytes: end - start + 1 }));
  return new PciFabric({ memory, hostBridges: [{ windows, ...(iommu === null ? {} : { iommu }) }] });
}
