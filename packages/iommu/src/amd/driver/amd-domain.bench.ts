import { benchmarks, pteKernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { TWO_STEP_OPERATIONS, twoStep } from '../../testing/two-step-kernel.ts';
import { AMD_PRESETS } from '../features.ts';
import { AmdUnit } from '../hardware/amd-unit.ts';
import type { AmdDomain } from './amd-domain.ts';
import { AmdIommu } from './amd-iommu.ts';

function attachedDomain(): AmdDomain {
  const memory = new PhysMemory();
  const pool = new TablePagePool();
  const driver = new AmdIommu({
    registers: new AmdUnit({ memory, ...AMD_PRESETS.full }),
    memory,
    lastDeviceId: 0xff,
    allocTablePage: () => pool.allocTablePage(),
    freeTablePage: (phys) => pool.freeTablePage(phys),
  });
  driver.enable();
  const domain = driver.createDomain();
  driver.attachDevice(0x18, domain);
  return domain;
}

export default benchmarks([
  {
    name: 'AMD-Vi: two-step 128 KiB, lazy',
    operations: TWO_STEP_OPERATIONS,
    tested: twoStep(attachedDomain, true),
    limitName: 'L_pte128K',
    limit: () => pteKernel(TWO_STEP_OPERATIONS),
    atMost: 12,
    goal: 6,
  },
  {
    name: 'AMD-Vi: two-step 128 KiB, strict',
    operations: TWO_STEP_OPERATIONS,
    tested: twoStep(attachedDomain, false),
    limitName: 'L_pte128K',
    limit: () => pteKernel(TWO_STEP_OPERATIONS),
    atMost: 16,
    goal: 6,
  },
]);
