import { NvmeController } from '@dmalab/blk-nvme/controller';
import { Device, type DmaContext } from '@dmalab/dma-api';
import { enumerateFabric, PciDevice, type PciFabric } from '@dmalab/pci-p2p';
import { attachToIommu, type IommuPart } from './iommu-part.ts';
import type { NvmePart } from './machine.ts';
import type { MachineDescription } from './machine-description.ts';

/** 00:03.0, where the disk of the traced machines sits. */
const NVME_DEVFN = 3 << 3;
const BAR0_BYTES = 0x4000;
const MSIX_TABLE_OFFSET = 0x3000;
/** Long enough for any command without a latency of its own. */
const MOST_STEPS = 100_000;

export interface NvmeSurroundings {
  readonly description: MachineDescription;
  readonly fabric: PciFabric;
  readonly iommu: IommuPart | null;
  readonly dma: DmaContext;
}

/** Plugs a disk in and enumerates; its driver has not probed it yet. */
export function buildNvme({ description, fabric, iommu, dma }: NvmeSurroundings): NvmePart {
  const vectors = description.cpus + 1;
  const pciFunction = fabric.rootBus.add(NVME_DEVFN, {
    vendor: 0x1b36,
    device: 0x0010,
    classCode: 0x010802,
    bars: [{ index: 0, kind: 'memory64', sizeBytes: BAR0_BYTES }],
    msix: { vectors, bar: 0, tableOffset: MSIX_TABLE_OFFSET },
  });
  const controller = new NvmeController({
    port: pciFunction.port,
    namespaces: [{ sizeBytes: description.diskBytes }],
    vectors,
  });
  pciFunction.attach(0, controller);
  enumerateFabric(fabric);
  const backing = new PciDevice(fabric, 0, pciFunction.rid, {
    advance: (nanoseconds) => {
      controller.advance(nanoseconds);
      for (let steps = 0; steps < MOST_STEPS && controller.step(); steps++);
    },
  });
  const windows = pciFunction.hostBridge.windows.map(({ cpuStart, lengthBytes, offset = 0 }) => ({
    start: cpuStart - offset,
    last: cpuStart - offset + lengthBytes - 1,
  }));
  const domain =
    iommu === null ? null : attachToIommu(iommu, description.iommu, pciFunction.rid, dma.kernel, dma.ring, windows);
  const device = new Device(dma, backing.id, { driver: 'nvme', iommu: domain });
  return { pciFunction, controller, backing, device, domain };
}
