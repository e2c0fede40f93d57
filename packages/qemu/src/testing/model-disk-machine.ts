import { NvmeController, nvmeFunction } from '@dmalab/blk-nvme/controller';
import { IntelIommu, VTD_PRESETS, VtdUnit } from '@dmalab/iommu';
import { devfn, enumerateFabric, PciFabric } from '@dmalab/pci-p2p';
import { PhysMemory } from '@dmalab/phys-memory';
import { PageStock } from '../machine/page-stock.ts';
import { Q35 } from '../machine/platform.ts';
import { DISK_BYTES, type DiskMachine } from './disk-machine.ts';
import { unitOptions } from './qemu-iommus.ts';

const RAM_END = 2 ** 28 - 1;

/** Units that the model machine can have in front of its disk. */
export const MODEL_UNITS = { legacy: VTD_PRESETS.qemuLegacy, scalable: VTD_PRESETS.qemuScalable } as const;

/** Everything in this process. */
export function modelDiskMachine(mode: keyof typeof MODEL_UNITS | null): DiskMachine {
  const memory = new PhysMemory();
  const pages = new PageStock(0x10_0000, RAM_END + 1);
  const unit = mode === null ? null : new VtdUnit({ memory, ...MODEL_UNITS[mode] });
  const hostBridge = { windows: Q35.windows, ...(unit === null ? {} : { iommu: unit }) };
  const fabric = new PciFabric({ memory, hostBridges: [hostBridge] });
  const fn = fabric.rootBus.add(devfn(4), nvmeFunction());
  const controller = new NvmeController({ port: fn.port, namespaces: [{ sizeBytes: DISK_BYTES }], mdts: 0 });
  fn.attach(0, controller);
  enumerateFabric(fabric);
  const iommu = unit === null || mode === null ? null : vtdDriver(unit, memory, pages, mode);
  return {
    memory,
    pages,
    iommu,
    ram: [{ start: 0, end: RAM_END }],
    host: fabric,
    rid: devfn(4),
    messagePage: -1,
    advance(nanoseconds) {
      controller.advance(nanoseconds);
      for (let steps = 0; steps < 100_000 && controller.step(); steps++);
    },
    close() {},
  };
}

function vtdDriver(unit: VtdUnit, ram: PhysMemory, pages: PageStock, mode: 'legacy' | 'scalable'): IntelIommu {
  const driver = new IntelIommu({ ...unitOptions({ ram, pages, registers: unit }, () => {}), mode });
  driver.enable();
  return driver;
}
