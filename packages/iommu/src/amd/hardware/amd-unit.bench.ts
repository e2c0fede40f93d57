import { benchmarks, hitKernel, type Kernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { AmdIommu } from '../driver/amd-iommu.ts';
import { AMD_PRESETS } from '../features.ts';
import { AmdUnit } from './amd-unit.ts';

const OPERATIONS = 10_000;
const SOURCE = 0x18;
const FIRST_IOVA = 2 ** 32;
const FIRST_PHYS = 2 ** 33;

/** A unit with `pages` pages mapped, 4 KiB each, to an upper part of memory in the same order. */
function unitWith(pages: number): AmdUnit {
  const memory = new PhysMemory();
  const pool = new TablePagePool(0x1000000, 8192);
  const unit = new AmdUnit({ memory, ...AMD_PRESETS.full });
  const driver = new AmdIommu({
    registers: unit,
    memory,
    lastDeviceId: 0xff,
    allocTablePage: () => pool.allocTablePage(),
    freeTablePage: (phys) => pool.freeTablePage(phys),
  });
  driver.enable();
  const domain = driver.createDomain({ superpages: false });
  domain.map(FIRST_IOVA, FIRST_PHYS, pages * 4096, IOMMU_READ | IOMMU_WRITE);
  driver.attachDevice(SOURCE, domain);
  return unit;
}

/** Translates one byte of a page a step; the next page is `step` pages on, modulo `pages`. */
function translations(pages: number, step: number): () => Kernel {
  return () => {
    const unit = unitWith(pages);
    let page = 0;
    return () => {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) {
        page = (page + step) & (pages - 1);
        sum += unit.translate(SOURCE, FIRST_IOVA + page * 4096 + 8, 1) - FIRST_PHYS - page * 4096;
      }
      if (sum !== OPERATIONS * 8) throw new Error('a byte went astray');
      return sum;
    };
  };
}

export default benchmarks([
  {
    name: 'AMD-Vi: IOTLB hit',
    operations: OPERATIONS,
    tested: translations(1024, 7),
    limitName: 'L_hit',
    limit: () => hitKernel(OPERATIONS),
    atMost: 6,
    goal: 7,
  },
  {
    // 4096 pages apart share a slot of the IOTLB: each step evicts what the one before it cached.
    name: 'AMD-Vi: IOTLB miss, tables cached',
    operations: OPERATIONS,
    tested: translations(65_536, 4096),
    limitName: 'L_hit',
    limit: () => hitKernel(OPERATIONS),
    atMost: 100,
    goal: 8,
  },
]);
