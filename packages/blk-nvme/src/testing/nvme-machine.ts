import { Device, DmaContext, type DmaContextOptions, type DmaEra } from '@dmalab/dma-api';
import { DmaDomain, IntelIommu, KernelContext, VTD_PRESETS, VtdUnit } from '@dmalab/iommu';
import {
  devfn,
  enumerateFabric,
  P2pdma,
  P2pdmaClassifier,
  PciDevice,
  PciFabric,
  type PciFunction,
  pciClient,
} from '@dmalab/pci-p2p';
import { PhysMemory } from '@dmalab/phys-memory';
import { Swiotlb, SwiotlbPool } from '@dmalab/swiotlb';
import { renderBody, TraceRing } from '@dmalab/trace';
import { Bio } from '../block/bio/bio.ts';
import { NvmeController } from '../controller/nvme-controller.ts';
import type { NvmeControllerOptions } from '../controller/options.ts';
import { type NvmeFunctionOptions, nvmeFunction } from '../controller/pci-function.ts';
import { NvmeDriver, type NvmeDriverOptions } from '../driver/nvme-driver.ts';
import { QueueMemory } from '../driver/queues/queue-memory.ts';
import { SQE_BYTES } from '../spec/sqe.ts';
import { BumpPages } from './bump-pages.ts';

const RAM = [{ start: 0x100000, end: 0x3fffffff }];
const WINDOWS = [
  { kind: 'memory', cpuStart: 0xc000_0000, lengthBytes: 0x2000_0000 },
  { kind: 'prefetchable', cpuStart: 0x80_0000_0000, lengthBytes: 0x80_0000_0000 },
] as const;
const SOURCE_ID = devfn(3);
const BOUNCE_POOL = 0x3800000;
const BOUNCE_SLOTS = 32768;

/** How the device reaches memory. */
export type DmaMode = 'direct' | 'vtd' | 'vtd-lazy' | 'bounce';

export interface NvmeMachineOptions {
  readonly mode?: DmaMode;
  readonly era?: DmaEra;
  readonly controller?: Partial<NvmeControllerOptions>;
  readonly driver?: Partial<NvmeDriverOptions>;
  readonly function?: NvmeFunctionOptions;
  readonly context?: Partial<DmaContextOptions>;
  /** Record trace events from the start. */
  readonly traced?: boolean;
}

/** RAM, one NVMe controller on a PCI bus behind nothing, a VT-d unit or bounce buffers, and its driver. */
export class NvmeMachine {
  readonly memory = new PhysMemory();
  readonly kernel = new KernelContext();
  readonly ring = new TraceRing(65536);
  readonly pages = new BumpPages(0x400_0000, 0x1800_0000);
  readonly fabric: PciFabric;
  readonly unit: VtdUnit | null;
  readonly domain: DmaDomain | null;
  readonly context: DmaContext;
  readonly controller: NvmeController;
  readonly device: Device;
  readonly driver: NvmeDriver;
  readonly p2pdma = new P2pdma();
  /** Free memory for buffers, from here up. */
  readonly buffers = 0x2000_0000;

  constructor(options: NvmeMachineOptions = {}) {
    const { mode = 'direct', era = 'phys' } = options;
    const { vectors, cmbBytes = 0 } = options.controller ?? {};
    const { memory, kernel, ring } = this;
    ring.on = options.traced ?? false;
    const translated = mode === 'vtd' || mode === 'vtd-lazy';
    this.unit = translated ? new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy }) : null;
    const hostBridge = { windows: WINDOWS, ...(this.unit === null ? {} : { iommu: this.unit }) };
    this.fabric = new PciFabric({ memory, hostBridges: [hostBridge] });
    const fn = this.fabric.rootBus.add(SOURCE_ID, nvmeFunction(vectors, cmbBytes, options.function));
    this.controller = new NvmeController({ port: fn.port, ...options.controller });
    fn.attach(0, this.controller);
    if (cmbBytes > 0) fn.attach(2, this.controller.cmb);
    enumerateFabric(this.fabric);
    this.domain = this.unit === null ? null : this.#attachIommu(this.unit, mode === 'vtd-lazy');
    const swiotlb = mode === 'bounce' ? this.#bouncePool() : null;
    this.context = new DmaContext({
      memory,
      ram: RAM,
      era,
      kernel,
      ring,
      swiotlb,
      pageSource: this.pages,
      ...options.context,
    });
    this.device = new Device(this.context, '0000:00:03.0', { driver: 'nvme', iommu: this.domain });
    const backing = new PciDevice(this.fabric, 0, SOURCE_ID, { advance: (nanos) => this.advance(nanos) });
    if (cmbBytes > 0) this.#usePeerMemory(fn);
    const p2p = cmbBytes > 0 ? { p2p: { p2pdma: this.p2pdma, fn } } : {};
    this.driver = new NvmeDriver({ device: this.device, backing, ...p2p, ...options.driver });
  }

  /** Time passes for the kernel and the controller, which works until it is idle. */
  advance(nanos: number): void {
    this.kernel.nowNanos += nanos;
    this.controller.advance(nanos);
    this.run();
  }

  /** The controller works until it is idle. */
  run(): void {
    for (let i = 0; this.controller.step(); i++) if (i > 1e6) throw new Error('the controller never gets idle');
  }

  /** Lets controller and driver take turns until neither has anything to do. */
  settle(): void {
    do this.run();
    while (this.driver.poll() > 0);
  }

  /** Submits a bio to namespace 1 over these vectors and waits for its end. */
  io(opf: number, sector: number, vectors: readonly (readonly [phys: number, lengthBytes: number])[]): Bio {
    const bio = new Bio().init(opf, sector);
    for (const [phys, lengthBytes] of vectors) bio.addPhys(phys, lengthBytes);
    return this.submit(bio);
  }

  submit(bio: Bio): Bio {
    let ended = false;
    bio.endIo = () => {
      ended = true;
    };
    this.driver.disk(1)!.queue.submitBio(bio);
    this.settle();
    if (!ended) throw new Error('the bio did not end');
    return bio;
  }

  /** Words of the newest command in the first I/O queue, which has to be in memory. */
  newestCommand(): Uint32Array {
    const [{ sq, sqTail, depth }] = this.driver.ioPath.queues;
    if (!(sq instanceof QueueMemory)) throw new Error('the queue lies in the memory of the controller');
    const bytes = new Uint8Array(SQE_BYTES);
    this.memory.read(sq.entryPhys[(sqTail + depth - 1) % depth], bytes);
    return new Uint32Array(bytes.buffer);
  }

  /** Everything traced so far, as `name: body` lines. */
  events(): string[] {
    const { log } = this.ring.toLog();
    return Array.from({ length: log.length }, (_, i) => `${log.name(i)}: ${renderBody(log, i)}`);
  }

  #attachIommu(unit: VtdUnit, lazy: boolean): DmaDomain {
    const iommu = new IntelIommu({
      registers: unit,
      memory: this.memory,
      allocTablePage: () => this.pages.allocPages(0, 0),
      freeTablePage: (phys) => this.pages.freePages(phys, 0),
    });
    iommu.enable();
    const domain = iommu.createDomain();
    iommu.attachDevice(SOURCE_ID, domain);
    const dma = new DmaDomain(this.kernel, domain, { lazy, trace: this.ring });
    // Message writes go there, not to memory: no mapping may (spec H10).
    dma.iova.reserve(0xfee00, 0xfeeff);
    return dma;
  }

  #usePeerMemory(fn: PciFunction): void {
    const classifier = new P2pdmaClassifier(this.p2pdma);
    classifier.bind(this.device, pciClient(fn));
    this.context.p2p = classifier;
  }

  #bouncePool(): Swiotlb {
    const pool = new SwiotlbPool({ start: BOUNCE_POOL, slotCount: BOUNCE_SLOTS, shared: false });
    return new Swiotlb({ memory: this.memory, pool, force: true });
  }
}
