import { iommuConformance } from '@dmalab/iommu/testing';
import { describe } from 'vitest';
import { qemuConformanceRig } from '../testing/qemu-conformance-rig.ts';
import { VTD_LEGACY, VTD_SCALABLE } from '../testing/qemu-iommus.ts';

/** The suite that our models pass, over QEMU's units: driver and tests are the same, the unit and its devices are not ours. */
for (const iommu of [VTD_LEGACY, VTD_SCALABLE]) {
  describe.skipIf(iommu.whyNot() !== '')('on QEMU', () => {
    iommuConformance(iommu.name, () => qemuConformanceRig(iommu), { randomRuns: 5 });
  });
}
