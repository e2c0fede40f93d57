import { benchmarks, type Kernel, pteKernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { IotlbGather } from '../../core/iotlb-gather.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { AMD_PRESETS } from '../features.ts';
import { AmdUnit } from '../hardware/amd-unit.ts';
import type { AmdDomain } from './amd-domain.ts';
import { AmdIommu } from './amd-iommu.ts';

const OPERATIONS = 1_000;
const PAGES = 32;
const RW = IOMMU_READ | IOMMU_WRITE;

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

/** Links 32 scattered pages into one range, syncs, and unlinks them with one call, as the bench of VT-d's domain does. */
function twoStep(lazy: boolean): () => Kernel {
  return () => {
    const domain = attachedDomain();
    const gather = new IotlbGather();
    return () => {
      let cleared = 0;
      for (let i = 0; i < OPERATIONS; i++) {
        const iova = 0xffe00000 + (i & 7) * PAGES * 4096;
        for (let page = 0; page < PAGES; page++) domain.map(iova + page * 4096, 0x40000000 + page * 8192, 4096, RW);
        domain.iotlbSyncMap(iova, PAGES * 4096);
        gather.reset(lazy);
        cleared += domain.unmap(iova, PAGES * 4096, gather);
        if (!lazy) domain.iotlbSync(gather);
      }
      if (cleared !== OPERATIONS * PAGES * 4096) throw new Error('a page was not mapped');
      return cleared;
    };
  };
}

export default benchmarks([
  {
    name: 'AMD-Vi: two-step 128 KiB, lazy',
    operations: OPERATIONS,
    tested: twoStep(true),
    limitName: 'L_pte128K',
    limit: () => pteKernel(OPERATIONS),
    atMost: 12,
    goal: 6,
  },
  {
    name: 'AMD-Vi: two-step 128 KiB, strict',
    operations: OPERATIONS,
    tested: twoStep(false),
    limitName: 'L_pte128K',
    limit: () => pteKernel(OPERATIONS),
    atMost: 16,
    goal: 6,
  },
]);
