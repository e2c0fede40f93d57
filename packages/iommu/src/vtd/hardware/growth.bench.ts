import { benchmarks, type Growth, type Kernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { VTD_PRESETS } from '../capabilities.ts';
import { IntelIommu } from '../driver/intel-iommu.ts';
import { VtdUnit } from './vtd-unit.ts';

const OPERATIONS = 4096;
const IOVA = 0x1_0000_0000;
const PHYS = 2 ** 32;
const PAGES = 16;

/** So many devices, each with a domain and pages of its own, send requests in turn. */
function devicesInTurn(devices: number): Kernel {
  const memory = new PhysMemory();
  const pool = new TablePagePool(0x1000000, 65_536);
  const unit = new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy });
  const iommu = new IntelIommu({
    registers: unit,
    memory,
    allocTablePage: () => pool.allocTablePage(),
    freeTablePage: (phys) => pool.freeTablePage(phys),
  });
  iommu.enable();
  for (let device = 0; device < devices; device++) {
    const domain = iommu.createDomain();
    domain.map(IOVA, PHYS + device * PAGES * 4096, PAGES * 4096, IOMMU_READ | IOMMU_WRITE);
    iommu.attachDevice(device, domain);
  }
  return () => {
    let sum = 0;
    for (let i = 0; i < OPERATIONS; i++) {
      const device = i % devices;
      const page = (i >> 2) % PAGES;
      sum += unit.translate(device, IOVA + page * 4096, 1) - PHYS - (device * PAGES + page) * 4096;
    }
    if (sum !== 0) throw new Error('a request went astray');
    return sum;
  };
}

export default benchmarks([]);

export const growth: readonly Growth[] = [
  {
    name: 'translate a request',
    of: 'devices behind one unit',
    sizes: [1, 16, 256, 4096],
    operations: OPERATIONS,
    kernel: devicesInTurn,
  },
];
