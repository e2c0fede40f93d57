import { Bio, NvmeDriver, type NvmeParameters } from '@dmalab/blk-nvme';
import { Device, DmaContext } from '@dmalab/dma-api';
import { DmaDomain, KernelContext, reserveIovas, type UnitFault, X86_MSI_REGION } from '@dmalab/iommu';
import { PciDevice } from '@dmalab/pci-p2p';
import type { DiskMachine } from './disk-machine.ts';

const IOMMU_READ_WRITE = 3;
/** Looks for a completion before it counts as lost: some seconds, since a look takes some 20 us on QEMU. */
const MOST_LOOKS = 200_000;

/** A kernel's view of a disk machine: DMA API, IOMMU domain and NVMe driver, the same over every backing. */
export class DiskStage {
  readonly machine: DiskMachine;
  readonly kernel = new KernelContext();
  readonly context: DmaContext;
  readonly device: Device;
  readonly domain: DmaDomain | null;
  readonly driver: NvmeDriver;

  constructor(machine: DiskMachine, parameters: Partial<NvmeParameters> = {}) {
    const { memory, ram, pages, host, rid } = machine;
    this.machine = machine;
    this.domain = this.#attach();
    this.context = new DmaContext({ memory, ram, kernel: this.kernel, pageSource: pages });
    const advance = (nanoseconds: number) => machine.advance(nanoseconds);
    const backing = new PciDevice(host, 0, rid, { advance });
    this.device = new Device(this.context, backing.id, { driver: 'nvme', iommu: this.domain });
    this.driver = new NvmeDriver({ device: this.device, backing, parameters, scanCpu: -1 });
  }

  /** Submits a bio to namespace 1 over these pieces of memory, and waits for its end. */
  io(opf: number, sector: number, pieces: readonly (readonly [phys: number, lengthBytes: number])[]): Bio {
    const bio = new Bio().init(opf, sector);
    for (const [phys, lengthBytes] of pieces) bio.addPhys(phys, lengthBytes);
    let ended = false;
    bio.endIo = () => {
      ended = true;
    };
    const disk = this.driver.disk(1);
    if (disk === undefined) throw new Error('there is no namespace 1');
    disk.queue.submitBio(bio);
    for (let looks = 0; !ended && looks < MOST_LOOKS; looks++) {
      this.machine.advance(1000);
      this.driver.poll();
    }
    if (!ended) throw new Error('the bio did not end');
    return bio;
  }

  /** Zeroed RAM for a transfer, from a page border on. */
  buffer(lengthBytes: number): number {
    const order = Math.ceil(Math.log2(Math.max(lengthBytes, 4096) / 4096));
    const at = this.machine.pages.allocPages(0, order);
    this.machine.memory.fill(at, 4096 * 2 ** order);
    return at;
  }

  /** Whether the latest I/O command named its data by SGL: PSDT of its first word. */
  newestUsesSgl(): boolean {
    const [{ sq, sqTail, depth }] = this.driver.ioPath.queues;
    const entries = 'entryPhys' in sq ? sq.entryPhys : null;
    if (!(entries instanceof Float64Array)) throw new Error('the queue is in the controller');
    return (this.machine.memory.load32(entries[(sqTail + depth - 1) % depth]) & 0xc000) !== 0;
  }

  /** What the IOMMU recorded so far. */
  iommuFaults(): readonly UnitFault[] {
    return this.machine.iommu?.handleFaultEvent(0) ?? [];
  }

  close(): void {
    this.machine.close();
  }

  /** A domain of its own for the disk; messages that go to memory keep their address (spec B49). */
  #attach(): DmaDomain | null {
    const { iommu, rid, messagePage, host } = this.machine;
    if (iommu === null) return null;
    const paging = iommu.createDomain();
    iommu.attachDevice(rid, paging);
    const domain = new DmaDomain(this.kernel, paging, { lazy: false });
    const windows = host.hostBridges[0].windows.map(({ cpuStart, lengthBytes }) => ({
      start: cpuStart,
      last: cpuStart + lengthBytes - 1,
    }));
    reserveIovas(this.kernel, domain.iova, { windows, regions: [X86_MSI_REGION] });
    if (messagePage < 0) return domain;
    domain.iova.reserve(messagePage / 4096, messagePage / 4096);
    paging.map(messagePage, messagePage, 4096, IOMMU_READ_WRITE);
    paging.iotlbSyncMap(messagePage, 4096);
    return domain;
  }
}
