import { benchmarks, pteKernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { TWO_STEP_OPERATIONS, twoStep } from '../../testing/two-step-kernel.ts';
import { VTD_PRESETS } from '../capabilities.ts';
import { VtdUnit } from '../hardware/vtd-unit.ts';
import { IntelIommu } from './intel-iommu.ts';
import type { VtdDomain } from './vtd-domain.ts';

function attachedDomain(): VtdDomain {
  const memory = new PhysMemory();
  const pool = new TablePagePool();
  const iommu = new IntelIommu({
    registers: new VtdUnit({ memory, ...VTD_PRESETS.qemuLegacy }),
    memory,
    allocTablePage: () => pool.allocTablePage(),
    freeTablePage: (phys) => pool.freeTablePage(phys),
  });
  iommu.enable();
  const domain = iommu.createDomain();
  iommu.attachDevice(0x18, domain);
  return domain;
}

export default benchmarks([
  {
    name: 'two-step 128 KiB, lazy',
    operations: TWO_STEP_OPERATIONS,
    tested: twoStep(attachedDomain, true),
    limitName: 'L_pte128K',
    limit: () => pteKernel(TWO_STEP_OPERATIONS),
    atMost: 6,
    goal: 6,
  },
  {
    name: 'two-step 128 KiB, strict',
    operations: TWO_STEP_OPERATIONS,
    tested: twoStep(attachedDomain, false),
    limitName: 'L_pte128K',
    limit: () => pteKernel(TWO_STEP_OPERATIONS),
    atMost: 10,
    goal: 6,
  },
]);
