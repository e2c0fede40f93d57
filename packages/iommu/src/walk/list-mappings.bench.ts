import { benchmarks, hitKernel, type Kernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { IOMMU_READ, IOMMU_WRITE } from '../core/paging-domain.ts';
import { TablePagePool } from '../testing/table-page-pool.ts';
import { VTD_PRESETS } from '../vtd/capabilities.ts';
import { IntelIommu } from '../vtd/driver/intel-iommu.ts';
import { VtdUnit } from '../vtd/hardware/vtd-unit.ts';
import { listMappings } from './list-mappings.ts';
import { parseWalkUnit } from './walk-kinds.ts';

const LEAVES = 8192;
const SOURCE = 0x18;

/** Lists 8192 pages, no two of them neighbours in memory: each is a range of its own. */
function listing(): Kernel {
  const memory = new PhysMemory();
  const pool = new TablePagePool();
  const unit = new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy });
  const iommu = new IntelIommu({
    registers: unit,
    memory,
    allocTablePage: () => pool.allocTablePage(),
    freeTablePage: (phys) => pool.freeTablePage(phys),
  });
  iommu.enable();
  const domain = iommu.createDomain();
  for (let page = 0; page < LEAVES; page++) {
    domain.map(page * 4096, 2 ** 32 + page * 8192, 4096, IOMMU_READ | IOMMU_WRITE);
  }
  iommu.attachDevice(SOURCE, domain);
  const { cap, ecap } = VTD_PRESETS.qemuLegacy;
  const hex = (value: number | bigint) => `0x${value.toString(16)}`;
  const walked = parseWalkUnit('vtd', {
    rtaddr: hex(unit.readRegister(0x20)),
    cap: hex(cap),
    ecap: hex(ecap),
    gsts: hex(unit.readRegister(0x1c)),
  });
  const dump = { has: () => true, read: (at: number, into: Uint8Array) => memory.read(at, into) };
  return () => {
    const { ranges } = listMappings(dump, walked, SOURCE);
    if (ranges.count !== LEAVES) throw new Error(`${ranges.count} ranges`);
    return ranges.leaves;
  };
}

export default benchmarks([
  {
    name: 'list all mappings, a leaf',
    operations: LEAVES,
    tested: listing,
    limitName: 'L_hit',
    limit: () => hitKernel(LEAVES),
    atMost: 15,
    goal: 25,
  },
]);
