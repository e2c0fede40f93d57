import { benchmarks, hitKernel, type Kernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { VTD_PRESETS } from '../capabilities.ts';
import { IntelIommu } from '../driver/intel-iommu.ts';
import { VtdUnit } from './vtd-unit.ts';

const OPERATIONS = 10_000;
const SOURCE = 0x18;
const RW = IOMMU_READ | IOMMU_WRITE;
const FIRST_PHYS = 2 ** 32;
/** A cold dependent read: each index comes from the one before, over more memory than any cache holds. */
const CHASE_WORDS = 2 ** 25;

/** A unit with `pages` pages mapped from 0 on, 4 KiB each, to an upper part of memory in the same order. */
function unitWith(pages: number): VtdUnit {
  const memory = new PhysMemory();
  const pool = new TablePagePool(0x1000000, 8192);
  const unit = new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy });
  const iommu = new IntelIommu({
    registers: unit,
    memory,
    allocTablePage: () => pool.allocTablePage(),
    freeTablePage: (phys) => pool.freeTablePage(phys),
  });
  iommu.enable();
  const domain = iommu.createDomain({ superpages: false });
  domain.map(0x1_0000_0000, FIRST_PHYS, pages * 4096, RW);
  iommu.attachDevice(SOURCE, domain);
  return unit;
}

/** Translates one byte of a page a step; the page comes from the one before: `page * factor + step`, modulo `pages`. */
function translations(pages: number, factor: number, step: number): () => Kernel {
  return () => {
    const unit = unitWith(pages);
    let page = 0;
    return () => {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) {
        page = (Math.imul(page, factor) + step) & (pages - 1);
        sum += unit.translate(SOURCE, 0x1_0000_0000 + page * 4096 + 8, 1) - FIRST_PHYS - page * 4096;
      }
      if (sum !== OPERATIONS * 8) throw new Error('a byte went astray');
      return sum;
    };
  };
}

function coldReads(): Kernel {
  const next = Int32Array.from(
    { length: CHASE_WORDS },
    (_, i) => (Math.imul(i, 1103515245) + 12345) & (CHASE_WORDS - 1),
  );
  let at = 0;
  return () => {
    for (let i = 0; i < OPERATIONS; i++) at = next[at];
    return at;
  };
}

export default benchmarks([
  {
    name: 'IOTLB hit',
    operations: OPERATIONS,
    tested: translations(1024, 1, 7),
    limitName: 'L_hit',
    limit: () => hitKernel(OPERATIONS),
    atMost: 6,
    goal: 7,
  },
  {
    // 4096 pages apart share a slot of the IOTLB: each step evicts what the one before it cached.
    name: 'IOTLB miss, tables cached',
    operations: OPERATIONS,
    tested: translations(65_536, 1, 4096),
    limitName: 'L_hit',
    limit: () => hitKernel(OPERATIONS),
    atMost: 40,
    goal: 8,
  },
  {
    name: 'IOTLB miss, 1 M pages at random',
    operations: OPERATIONS,
    tested: translations(1_048_576, 1103515245, 12345),
    limitName: 'cold dependent read',
    limit: coldReads,
    atMost: 1.6,
    goal: 8,
  },
]);
