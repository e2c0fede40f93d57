import { type BenchCase, hitKernel, type Kernel, pairKernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { IotlbGather } from '../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import type { IommuUnit } from '../core/unit/iommu-unit.ts';
import type { IommuUnitDriver, IommuUnitDriverOptions, UnitDomain } from '../core/unit/iommu-unit-driver.ts';
import { TablePagePool } from './table-page-pool.ts';

const OPERATIONS = 10_000;
const SOURCE = 0x18;
const RW = IOMMU_READ | IOMMU_WRITE;
const FIRST_IOVA = 2 ** 32;
const FIRST_PHYS = 2 ** 33;

/** A kind of unit, its driver, and what each path may cost at most. */
export interface UnitUnderBench {
  readonly makeUnit: (memory: PhysMemory) => IommuUnit;
  readonly makeDriver: (options: IommuUnitDriverOptions) => IommuUnitDriver;
  /** Times L_hit. */
  readonly hitAtMost: number;
  readonly missAtMost: number;
  /** Times L_pair. */
  readonly strictAtMost: number;
}

/** What every kind of unit is measured by: a hit, a miss with tables cached, one page mapped and strictly unmapped. */
export function unitBenchmarks(name: string, bench: UnitUnderBench): BenchCase[] {
  return [
    {
      name: `${name}: IOTLB hit`,
      operations: OPERATIONS,
      tested: translations(bench, 1024, 7),
      limitName: 'L_hit',
      limit: () => hitKernel(OPERATIONS),
      atMost: bench.hitAtMost,
      goal: 7,
    },
    {
      // Each step is to a page that the direct-mapped IOTLB holds in the slot of the one before.
      name: `${name}: IOTLB miss, tables cached`,
      operations: OPERATIONS,
      tested: translations(bench, 65_536, 4096),
      limitName: 'L_hit',
      limit: () => hitKernel(OPERATIONS),
      atMost: bench.missAtMost,
      goal: 8,
    },
    {
      name: `${name}: map + unmap 4 KiB, strict`,
      operations: OPERATIONS,
      tested: () => strictPairs(bench),
      limitName: 'L_pair',
      limit: () => pairKernel(OPERATIONS),
      atMost: bench.strictAtMost,
      goal: 4,
    },
  ];
}

function attached({ makeUnit, makeDriver }: UnitUnderBench): { unit: IommuUnit; domain: UnitDomain } {
  const memory = new PhysMemory();
  const pool = new TablePagePool(0x1000000, 8192);
  const unit = makeUnit(memory);
  const driver = makeDriver({
    registers: unit,
    memory,
    allocTablePage: () => pool.allocTablePage(),
    freeTablePage: (phys) => pool.freeTablePage(phys),
    allocTable: (lengthBytes) => pool.allocTable(lengthBytes),
    freeTable: (phys, lengthBytes) => pool.freeTable(phys, lengthBytes),
  });
  driver.enable();
  const domain = driver.createDomain({ superpages: false });
  driver.attachDevice(SOURCE, domain);
  return { unit, domain };
}

/** Translates one byte of a page a step, `step` pages after the one before, modulo `pages`. */
function translations(bench: UnitUnderBench, pages: number, step: number): () => Kernel {
  return () => {
    const { unit, domain } = attached(bench);
    domain.map(FIRST_IOVA, FIRST_PHYS, pages * 4096, RW);
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

function strictPairs(bench: UnitUnderBench): Kernel {
  const { domain } = attached(bench);
  const gather = new IotlbGather();
  return () => {
    let cleared = 0;
    for (let i = 0; i < OPERATIONS; i++) {
      const iova = FIRST_IOVA + (i & 255) * 4096;
      domain.map(iova, FIRST_PHYS + i * 4096, 4096, RW);
      gather.reset(false);
      cleared += domain.unmap(iova, 4096, gather);
      domain.iotlbSync(gather);
    }
    if (cleared !== OPERATIONS * 4096) throw new Error('a page was not mapped');
    return cleared;
  };
}
