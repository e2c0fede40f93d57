import { PhysMemory } from '@dmalab/phys-memory';
import { beforeEach, describe, expect, it } from 'vitest';
import { IotlbGather } from '../../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { VTD_PRESETS } from '../capabilities.ts';
import { VtdUnit } from '../hardware/vtd-unit.ts';
import { IntelIommu } from './intel-iommu.ts';

const RW = IOMMU_READ | IOMMU_WRITE;
const SOURCE = 0x18;

let memory: PhysMemory;
let pages: TablePagePool;
let unit: VtdUnit;
let iommu: IntelIommu;

function setUp(preset: { cap: bigint; ecap: bigint } = VTD_PRESETS.qemuLegacy): void {
  memory = new PhysMemory();
  pages = new TablePagePool();
  unit = new VtdUnit({ memory, ...preset });
  iommu = new IntelIommu({
    registers: unit,
    memory,
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
  });
}

beforeEach(() => setUp());

describe('the driver against the unit model, through registers and memory', () => {
  it('H15 enables translation: without an entry a device is blocked', () => {
    expect(unit.translate(SOURCE, 0x1000, 0)).toBe(0x1000);
    iommu.enable();
    expect(unit.readRegister(0x1c)).toBe(0xc4000000);
    expect(unit.translate(SOURCE, 0x1000, 0)).toBe(-1);
  });

  it('what is mapped translates, what is unmapped and synced faults', () => {
    iommu.enable();
    const domain = iommu.createDomain();
    iommu.attachDevice(SOURCE, domain);
    expect(domain.map(0xfffff000, 0x2bb9000, 0x1000, RW)).toBe(0);
    expect(unit.translate(SOURCE, 0xfffff123, 1)).toBe(0x2bb9123);
    const gather = new IotlbGather();
    expect(domain.unmap(0xfffff000, 0x1000, gather)).toBe(0x1000);
    expect(unit.translate(SOURCE, 0xfffff123, 1)).toBe(0x2bb9123);
    domain.iotlbSync(gather);
    expect(unit.translate(SOURCE, 0xfffff123, 1)).toBe(-5);
  });

  it('H28 a detached device is blocked at once', () => {
    iommu.enable();
    const domain = iommu.createDomain();
    iommu.attachDevice(SOURCE, domain);
    domain.map(0x5000, 0x9000, 0x1000, RW);
    expect(unit.translate(SOURCE, 0x5000, 0)).toBe(0x9000);
    iommu.detachDevice(SOURCE);
    expect(unit.translate(SOURCE, 0x5000, 0)).toBe(-2);
  });

  it('passes a pass-through device through', () => {
    iommu.enable();
    iommu.attachPassThrough(SOURCE);
    expect(unit.translate(SOURCE, 0x123456789, 1)).toBe(0x123456789);
  });
});
