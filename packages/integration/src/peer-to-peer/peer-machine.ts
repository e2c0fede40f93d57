import { Bio, NvmeDriver } from '@dmalab/blk-nvme';
import { NvmeController, nvmeFunction } from '@dmalab/blk-nvme/controller';
import { Device, DmaContext, type DmaEra } from '@dmalab/dma-api';
import { DmaDomain, IntelIommu, KernelContext, VTD_PRESETS, VtdUnit } from '@dmalab/iommu';
import {
  devfn,
  enumerateFabric,
  type FunctionDescription,
  type KernelMessage,
  MemoryBar,
  P2pdma,
  P2pdmaClassifier,
  PCI_EXP_TYPE_DOWNSTREAM,
  PCI_EXP_TYPE_RC_END,
  PCI_EXP_TYPE_ROOT_PORT,
  PCI_EXP_TYPE_UPSTREAM,
  type PciBus,
  PciDevice,
  PciFabric,
  type PciFunction,
  pciClient,
  pciEnableAcs,
} from '@dmalab/pci-p2p';
import { PhysMemory } from '@dmalab/phys-memory';
import { TraceRing } from '@dmalab/trace';

const MIB = 2 ** 20;
const WINDOWS = [
  { kind: 'memory', cpuStart: 0xc000_0000, lengthBytes: 0x2000_0000 },
  { kind: 'prefetchable', cpuStart: 0x80_0000_0000, lengthBytes: 0x80_0000_0000 },
] as const;
const RAM = [{ start: 0x100000, end: 0x3fffffff }];
const PORT = { vendor: 0x1b36, device: 0x000c, classCode: 0x06_0400 };
const ACS = { acs: { capability: 0x5f } };
const ROOT: FunctionDescription = {
  vendor: 0x8086,
  device: 0x29c0,
  classCode: 0x06_0000,
  portType: PCI_EXP_TYPE_RC_END,
};
const PROVIDER: FunctionDescription = {
  vendor: 0x1af4,
  device: 0x1110,
  bars: [{ index: 2, kind: 'memory64', prefetchable: true, sizeBytes: MIB }],
};

export interface PeerMachineOptions {
  /** The IOMMU is on, and the kernel asked for ACS because of it. */
  readonly iommu: boolean;
  /** The CPU forwards peer requests. */
  readonly isZen: boolean;
  readonly era?: DmaEra;
  /** The provider's memory has page descriptors; default true. */
  readonly hasPages?: boolean;
  /** `pci=disable_acs_redir=` */
  readonly disableAcsRedir?: string;
}

/** A switch with an NVMe disk on one port and memory for its peers on the other (spec T61 B, with ACS in the ports). */
export class PeerMachine {
  readonly fabric: PciFabric;
  readonly rootPort: PciFunction;
  readonly nvme: PciFunction;
  readonly provider: PciFunction;
  /** What the provider's BAR holds. */
  readonly peerMemory = new MemoryBar(MIB);
  readonly messages: KernelMessage[] = [];
  readonly ring = new TraceRing(4096);
  readonly p2p: P2pdma;
  /** The disk as the DMA API sees it. */
  readonly device: Device;
  readonly driver: NvmeDriver;
  readonly #controller: NvmeController;
  readonly #kernel = new KernelContext();
  readonly #memory = new PhysMemory();
  #nextPage = 0x400_0000;

  constructor(options: PeerMachineOptions) {
    const unit = options.iommu ? new VtdUnit({ memory: this.#memory, ...VTD_PRESETS.qemuLegacy }) : null;
    const hostBridge = { windows: WINDOWS, ...(unit === null ? {} : { iommu: unit }) };
    this.fabric = new PciFabric({ memory: this.#memory, hostBridges: [hostBridge] });
    this.fabric.rootBus.add(0, ROOT);
    this.rootPort = this.fabric.rootBus.add(devfn(1), { ...PORT, ...ACS, portType: PCI_EXP_TYPE_ROOT_PORT });
    const upstream = below(this.rootPort).add(0, { ...PORT, portType: PCI_EXP_TYPE_UPSTREAM });
    const [first, second] = [0, 1].map((device) =>
      below(upstream).add(devfn(device), { ...PORT, ...ACS, portType: PCI_EXP_TYPE_DOWNSTREAM }),
    );
    this.nvme = below(first).add(0, nvmeFunction());
    this.provider = below(second).add(0, PROVIDER);
    this.#controller = new NvmeController({ port: this.nvme.port, namespaces: [{ sizeBytes: MIB }] });
    this.nvme.attach(0, this.#controller);
    this.provider.attach(2, this.peerMemory);
    enumerateFabric(this.fabric);
    this.#setAcs(options);
    new PciDevice(this.fabric, 0, this.provider.rid, { bar: 2 }).enable();
    this.p2p = new P2pdma({ isZen: options.isZen, log: (message) => void this.messages.push(message) });
    this.device = this.#buildDevice(options, unit);
    const backing = new PciDevice(this.fabric, 0, this.nvme.rid, { advance: (nanos) => this.#advance(nanos) });
    this.driver = new NvmeDriver({ device: this.device, backing });
    this.driver.probe();
  }

  /** Physical address of a byte of peer memory. */
  peerAddress(offset: number): number {
    return this.provider.barCpuAddress(2) + offset;
  }

  /** One transfer between the disk's first sectors and these vectors: the block status. */
  io(opf: number, ...vectors: readonly (readonly [phys: number, lengthBytes: number])[]): number {
    const bio = new Bio().init(opf, 0);
    for (const [phys, lengthBytes] of vectors) bio.addPhys(phys, lengthBytes);
    const disk = this.driver.disk(1);
    if (disk === undefined || disk === null) throw new Error('the disk was not found');
    let isDone = false;
    bio.endIo = () => {
      isDone = true;
    };
    disk.queue.submitBio(bio);
    do this.#run();
    while (this.driver.poll() > 0);
    if (!isDone) throw new Error('the request was put back, and nothing would make the next try succeed');
    return bio.status;
  }

  #setAcs({ iommu, disableAcsRedir }: PeerMachineOptions): void {
    const log = (message: KernelMessage) => void this.messages.push(message);
    for (const fn of this.fabric.functions())
      pciEnableAcs(fn, { requested: iommu, log, ...(disableAcsRedir === undefined ? {} : { disableAcsRedir }) });
  }

  #buildDevice({ era = 'phys', hasPages = true }: PeerMachineOptions, unit: VtdUnit | null): Device {
    const context = new DmaContext({
      memory: this.#memory,
      ram: RAM,
      era,
      kernel: this.#kernel,
      ring: this.ring,
      pageSource: { allocPages: (_gfp, order) => this.#allocPages(order), freePages: () => {} },
    });
    const iommu = unit === null ? null : this.#domain(unit);
    const device = new Device(context, this.nvme.name, { driver: 'nvme', iommu });
    if (hasPages) this.p2p.pciP2pdmaAddResource(this.provider, 2, 0, 0);
    else this.p2p.pcimP2pdmaInit(this.provider);
    const classifier = new P2pdmaClassifier(this.p2p);
    classifier.bind(device, pciClient(this.nvme));
    context.p2p = classifier;
    return device;
  }

  #domain(unit: VtdUnit): DmaDomain {
    const iommu = new IntelIommu({
      registers: unit,
      memory: this.#memory,
      allocTablePage: () => this.#allocPages(0),
      freeTablePage: () => {},
    });
    iommu.enable();
    const paging = iommu.createDomain();
    iommu.attachDevice(this.nvme.rid, paging);
    return new DmaDomain(this.#kernel, paging, { lazy: false, trace: this.ring });
  }

  #allocPages(order: number): number {
    const bytes = 4096 * 2 ** order;
    const at = Math.ceil(this.#nextPage / bytes) * bytes;
    this.#nextPage = at + bytes;
    return at;
  }

  #advance(nanos: number): void {
    this.#kernel.nowNanos += nanos;
    this.#controller.advance(nanos);
    this.#run();
  }

  #run(): void {
    for (let steps = 0; this.#controller.step(); steps++)
      if (steps > 1e6) throw new Error('the controller never idles');
  }
}

function below(bridge: PciFunction): PciBus {
  if (bridge.secondaryBus === null) throw new Error(`${bridge.name} is no bridge`);
  return bridge.secondaryBus;
}
