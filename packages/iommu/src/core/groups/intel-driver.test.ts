import { PhysMemory } from '@dmalab/phys-memory';
import { TraceRing } from '@dmalab/trace';
import { expect, it } from 'vitest';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { VTD_PRESETS } from '../../vtd/capabilities.ts';
import { IntelIommu } from '../../vtd/driver/intel-iommu.ts';
import { VtdUnit } from '../../vtd/hardware/vtd-unit.ts';
import { KernelContext } from '../kernel-context.ts';
import { defaultPolicy } from '../policy/default-policy.ts';
import { GroupRegistry } from './group-registry.ts';
import { IntelGroupDriver, type VtdGroupDevice } from './intel-driver.ts';

const MASK = 2 ** 64;
const nvme: VtdGroupDevice = { name: '0000:00:03.0', untrusted: false, sourceId: 0x18 };
const isa: VtdGroupDevice = { name: '0000:00:1f.0', untrusted: false, sourceId: 0xf8, isIsaBridge: true };

function machine(commandLine: string) {
  const memory = new PhysMemory();
  const pages = new TablePagePool();
  const unit = new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy });
  const iommu = new IntelIommu({
    registers: unit,
    memory,
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
  });
  iommu.enable();
  const context = new KernelContext();
  const ring = new TraceRing(64);
  const driver = new IntelGroupDriver(context, ring, iommu);
  const registry = new GroupRegistry<VtdGroupDevice>(context, ring, driver, defaultPolicy(commandLine), () => null);
  registry.probeBus([nvme, isa]);
  return { unit, registry };
}

it('I130 I140 from boot to DMA: translated, blocked without mapping, direct where firmware asks', () => {
  const { unit, registry } = machine('');
  const dma = registry.groupOf(nvme)?.defaultDomain?.dma;
  const device = { name: nvme.name, busDmaLimit: 0, pci32bitWorkaround: true, minAlignMask: 0 };
  const handle = dma?.mapRange(device, 0x5000123, 16, 3, MASK) as number;
  expect(unit.translate(nvme.sourceId, handle, 1)).toBe(0x5000123);
  expect(unit.translate(nvme.sourceId, 0x1000, 0)).toBeLessThan(0);
  expect(unit.translate(isa.sourceId, 0x1000, 0)).toBe(0x1000);
});

it('I113 pass-through: devices reach memory at its own address', () => {
  const { unit, registry } = machine('iommu=pt');
  expect(registry.groupOf(nvme)?.defaultDomain?.type).toBe('identity');
  expect(unit.translate(nvme.sourceId, 0x123456, 1)).toBe(0x123456);
});

it('I128 an owner cuts the device off until it attaches a domain', () => {
  const { unit, registry } = machine('iommu=pt');
  const group = registry.groupOf(nvme);
  expect(group?.claimDmaOwner({})).toBe(0);
  expect(unit.translate(nvme.sourceId, 0x123456, 1)).toBeLessThan(0);
  group?.releaseDmaOwner();
  expect(unit.translate(nvme.sourceId, 0x123456, 1)).toBe(0x123456);
});
