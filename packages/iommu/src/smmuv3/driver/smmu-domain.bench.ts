import { benchmarks, type Kernel, pairKernel } from '@dmalab/bench';
import { PhysMemory } from '@dmalab/phys-memory';
import { DmaDomain } from '../../core/dma-domain.ts';
import type { IommuDevice } from '../../core/iommu-device.ts';
import { KernelContext } from '../../core/kernel-context.ts';
import { IOMMU_CACHE, IOMMU_READ, IOMMU_WRITE } from '../../core/paging-domain.ts';
import { TablePagePool } from '../../testing/table-page-pool.ts';
import { SMMU_PRESETS } from '../capabilities.ts';
import { SmmuV3Unit } from '../hardware/smmuv3-unit.ts';
import { ArmSmmuV3 } from './arm-smmu-v3.ts';

const OPERATIONS = 2_000;
const PROT = IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE;
const MASK = 2 ** 64;
const FIRST_PHYS = 0x1_0000_0000;
const device: IommuDevice = { name: '0000:00:03.0', busDmaLimit: 0, pci32bitWorkaround: true, minAlignMask: 0xfff };

/** Maps one page and unmaps it again, in a domain that the unit invalidates through its command queue. */
function mapAndUnmap(lazy: boolean): () => Kernel {
  return () => {
    const memory = new PhysMemory();
    const pool = new TablePagePool();
    const smmu = new ArmSmmuV3({
      registers: new SmmuV3Unit({ memory, ...SMMU_PRESETS.qemu }),
      memory,
      allocTablePage: () => pool.allocTablePage(),
      freeTablePage: (phys) => pool.freeTablePage(phys),
      allocTable: (lengthBytes) => pool.allocTable(lengthBytes),
      freeTable: (phys, lengthBytes) => pool.freeTable(phys, lengthBytes),
    });
    smmu.enable();
    const paging = smmu.createDomain();
    smmu.attachDevice(0x18, paging);
    const domain = new DmaDomain(new KernelContext(), paging, { lazy });
    let check = 0;
    return () => {
      for (let i = 0; i < OPERATIONS; i++) {
        const handle = domain.mapRange(device, FIRST_PHYS + i * 4096, 4096, PROT, MASK);
        check += handle;
        domain.unmapRange(handle, 4096);
      }
      if (domain.unmapMismatches > 0 || check < OPERATIONS) throw new Error('a page was not mapped');
      return check;
    };
  };
}

export default benchmarks([
  {
    name: 'SMMUv3 map + unmap, lazy',
    operations: OPERATIONS,
    tested: mapAndUnmap(true),
    limitName: 'L_pair',
    limit: () => pairKernel(OPERATIONS),
    atMost: 18,
    goal: 2,
  },
  {
    name: 'SMMUv3 map + unmap, strict',
    operations: OPERATIONS,
    tested: mapAndUnmap(false),
    limitName: 'SMMUv3 lazy',
    limit: mapAndUnmap(true),
    atMost: 2,
    goal: 4,
  },
]);
