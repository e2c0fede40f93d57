import { NvmeDriver } from '@dmalab/blk-nvme';
import { NvmeController, nvmeFunction } from '@dmalab/blk-nvme/controller';
import { Device, DmaContext, type PageSource } from '@dmalab/dma-api';
import { DmaDomain, IntelIommu, KernelContext, VTD_PRESETS, VtdUnit } from '@dmalab/iommu';
import { enumerateFabric, PciDevice, PciFabric } from '@dmalab/pci-p2p';
import { PAGE_SIZE, PhysMemory } from '@dmalab/phys-memory';
import { Swiotlb, SwiotlbPool } from '@dmalab/swiotlb';
import { TraceRing } from '@dmalab/trace';

const NVME_RID = 3 << 3;
const WINDOWS = [{ kind: 'memory', cpuStart: 0xfe00_0000, lengthBytes: 0x80_0000 }] as const;
/** Slots of the default pool, 64 MiB. */
const POOL_SLOTS = 32768;
/** LBA format of 4096 bytes without metadata (spec N152a). */
const FORMAT_4096 = 4;

/** How the traced machine's disk reached memory. */
export type DiskRoute = 'direct' | 'iommu' | 'bounce';

export interface ReplayDiskOptions {
  readonly route: DiskRoute;
  readonly cpus: number;
  readonly diskBytes: number;
  /** log2 of the largest transfer in pages. */
  readonly mdts: number;
  /** Blocks of 4096 bytes instead of 512. */
  readonly hasLargeBlocks: boolean;
  /** First physical address past all that the trace names: the model's own pages lie above. */
  readonly freePhys: number;
  readonly tagHints: readonly number[];
  readonly ringEvents: number;
}

/** Pages above everything that the trace touches, so that its buffers are never the model's tables. */
class PagesAbove implements PageSource {
  #next: number;

  constructor(start: number) {
    this.#next = start;
  }

  allocPages(_gfp: number, order: number): number {
    const bytes = PAGE_SIZE * 2 ** order;
    const at = Math.ceil(this.#next / bytes) * bytes;
    this.#next = at + bytes;
    return at;
  }

  freePages(): void {}
}

/** A machine with nothing but the disk of the trace: our driver over our controller. */
export class ReplayDisk {
  readonly ring: TraceRing;
  readonly controller: NvmeController;
  readonly driver: NvmeDriver;
  readonly #kernel = new KernelContext();

  constructor(options: ReplayDiskOptions) {
    const memory = new PhysMemory();
    const { route, cpus, freePhys } = options;
    const pool = Math.ceil(freePhys / 2 ** 26) * 2 ** 26;
    const pageSource = new PagesAbove(pool + 2 ** 27);
    this.ring = new TraceRing(options.ringEvents);
    const unit = route === 'iommu' ? new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy }) : null;
    const bridge = unit === null ? { windows: WINDOWS } : { windows: WINDOWS, iommu: unit };
    const fabric = new PciFabric({ memory, hostBridges: [bridge] });
    const fn = fabric.rootBus.add(NVME_RID, nvmeFunction(cpus + 1));
    this.controller = new NvmeController({
      port: fn.port,
      namespaces: [{ sizeBytes: options.diskBytes, format: options.hasLargeBlocks ? FORMAT_4096 : 0 }],
      mdts: options.mdts,
      vectors: cpus + 1,
      shadowDoorbells: false,
    });
    fn.attach(0, this.controller);
    enumerateFabric(fabric);
    const iommu = unit === null ? null : this.#attach(unit, memory, pageSource);
    const swiotlb =
      route === 'bounce'
        ? new Swiotlb({
            memory,
            pool: new SwiotlbPool({ start: pool, slotCount: POOL_SLOTS, shared: false }),
            force: true,
          })
        : null;
    const ram = [{ start: 0, end: 2 ** 40 - 1 }];
    const context = new DmaContext({ memory, ram, kernel: this.#kernel, ring: this.ring, swiotlb, pageSource });
    const device = new Device(context, '0000:00:03.0', { driver: 'nvme', iommu });
    const backing = new PciDevice(fabric, 0, NVME_RID, { advance: (nanos) => this.advance(nanos) });
    const tagHints = { io: options.tagHints };
    this.driver = new NvmeDriver({ device, backing, cpus, tagHints, scanCpu: -1 });
  }

  /** Time passes, and the controller works until it is idle. */
  advance(nanos: number): void {
    this.#kernel.nowNanos += nanos;
    this.controller.advance(nanos);
    while (this.controller.step());
  }

  #attach(unit: VtdUnit, memory: PhysMemory, pages: PageSource): DmaDomain {
    const iommu = new IntelIommu({
      registers: unit,
      memory,
      allocTablePage: () => pages.allocPages(0, 0, -1),
      freeTablePage: (phys) => pages.freePages(phys, 0),
    });
    iommu.enable();
    const paging = iommu.createDomain();
    iommu.attachDevice(NVME_RID, paging);
    const dma = new DmaDomain(this.#kernel, paging, { trace: this.ring });
    // Message writes go there, not to memory: no mapping may (spec H10).
    dma.iova.reserve(0xfee00, 0xfeeff);
    return dma;
  }
}
