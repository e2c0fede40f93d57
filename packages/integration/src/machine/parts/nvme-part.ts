import { NvmeController } from '@dmalab/blk-nvme/controller';
import { Device, type DmaContext } from '@dmalab/dma-api';
import { PciDevice, type PciFabric, type PciFunction } from '@dmalab/pci-p2p';
import type { MachineHooks } from '../hooks.ts';
import type { NvmePart } from '../machine.ts';
import type { MachineDescription, NvmeDescription } from '../machine-description.ts';
import { attachToIommu, type IommuPart, messageAddresses } from './iommu-part.ts';

/** Long enough for any command without a latency of its own. */
const MOST_STEPS = 100_000;

export interface NvmeSurroundings {
  readonly description: MachineDescription;
  readonly fabric: PciFabric;
  readonly iommu: IommuPart | null;
  readonly dma: DmaContext;
}

/** Puts a disk behind its function, on an enumerated bus; its driver has not probed it yet. */
export function buildNvme(
  surroundings: NvmeSurroundings,
  disk: NvmeDescription,
  pciFunction: PciFunction,
  hooks?: MachineHooks,
): NvmePart {
  const { description, fabric, iommu, dma } = surroundings;
  const controller = new NvmeController({
    port: hooks?.port(pciFunction.port) ?? pciFunction.port,
    namespaces: [{ sizeBytes: description.diskBytes }],
    vectors: description.cpus + 1,
    ...hooks?.controller,
  });
  pciFunction.attach(0, hooks?.registers(controller) ?? controller);
  const attached = iommu === null ? null : attachToIommu(iommu, description.iommu, pciFunction, dma, hooks);
  const domain = attached?.domain ?? null;
  let messageAddress = (phys: number): number => phys;
  const backing = new PciDevice(fabric, 0, pciFunction.rid, {
    messageAddress: (phys) => messageAddress(phys),
    advance: (nanoseconds) => {
      controller.advance(nanoseconds);
      hooks?.waited(nanoseconds);
      for (let steps = 0; steps < MOST_STEPS && controller.step(); steps++);
    },
  });
  const device = new Device(dma, backing.id, {
    driver: 'nvme',
    iommu: domain,
    dmaCoherent: description.coherent,
    needsUnencrypted: description.confidential !== 'none',
    busDmaLimit: disk.busAddressBits < 52 ? 2 ** disk.busAddressBits - 1 : 0,
  });
  if (iommu !== null && domain !== null) messageAddress = messageAddresses(iommu, domain, device);
  return { pciFunction, controller, backing, device, domain, paging: attached?.paging ?? null };
}
