import { benchmarks, hitKernel, type Kernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { SMMU_PRESETS } from '../capabilities.ts';
import { ArmSmmuV3 } from '../driver/arm-smmu-v3.ts';
import { SmmuV3Unit } from './smmuv3-unit.ts';

const OPERATIONS = 10_000;
const SOURCE = 0x18;
const RW = IOMMU_READ | IOMMU_WRITE;
const FIRST_IOVA = 0x1_0000_0000;
const FIRST_PHYS = 2 ** 32;

/** A unit with `pages` pages mapped, 4 KiB each, to an upper part of memory in the same order. */
function unitWith(pages: number): SmmuV3Unit {
  const memory = new PhysMemory();
  const pool = new TablePagePool(0x1000000, 8192);
  const unit = new SmmuV3Unit({ memory, ...SMMU_PRESETS.qemu });
  const smmu = new ArmSmmuV3({
    registers: unit,
    memory,
    allocTablePage: () => pool.allocTablePage(),
    freeTablePage: (phys) => pool.freeTablePage(phys),
    allocTable: (lengthBytes) => pool.allocTable(lengthBytes),
    freeTable: (phys, lengthBytes) => pool.freeTable(phys, lengthBytes),
  });
  smmu.enable();
  const domain = smmu.createDomain({ superpages: false });
  domain.map(FIRST_IOVA, FIRST_PHYS, pages * 4096, RW);
  smmu.attachDevice(SOURCE, domain);
  return unit;
}

/** Translates one byte of a page a step; `step` pages after the one before, modulo `pages`. */
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
    name: 'SMMUv3 TLB hit',
    operations: OPERATIONS,
    tested: translations(1024, 7),
    limitName: 'L_hit',
    limit: () => hitKernel(OPERATIONS),
    atMost: 6,
    goal: 7,
  },
  {
    // 4096 pages apart share a slot of the TLB: each step evicts what the one before it cached.
    name: 'SMMUv3 TLB miss, tables cached',
    operations: OPERATIONS,
    tested: translations(65_536, 4096),
    limitName: 'L_hit',
    limit: () => hitKernel(OPERATIONS),
    atMost: 40,
    goal: 8,
  },
]);
