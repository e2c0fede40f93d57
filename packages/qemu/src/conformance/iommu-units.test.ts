import { iommuConformance } from '@dmalab/iommu/testing';
import { afterAll } from 'vitest';
import { describeOnQemu } from '../testing/describe-on-qemu.ts';
import { QemuConformance } from '../testing/qemu-conformance.ts';
import { AMD_VI, RISCV, SMMUV3, VTD_LEGACY, VTD_SCALABLE } from '../testing/qemu-iommus.ts';

/** The suite that our models pass, over QEMU's units: driver and tests are the same, the unit and its devices are not ours. */
for (const iommu of [VTD_LEGACY, VTD_SCALABLE, SMMUV3, AMD_VI, RISCV]) {
  describeOnQemu('on QEMU', iommu.whyNot(), () => {
    const conformance = new QemuConformance(iommu);
    afterAll(() => conformance.close());
    iommuConformance(iommu.name, () => conformance.rig(), { randomRuns: 5 });
  });
}
