import { iommuConformance } from '../testing/conformance/iommu-conformance.ts';
import { modelRig } from '../testing/conformance/model-rig.ts';
import { VTD_PRESETS } from './capabilities.ts';
import { IntelIommu } from './driver/intel-iommu.ts';
import { VtdUnit } from './hardware/vtd-unit.ts';

const rigs = [
  ['VT-d legacy', VTD_PRESETS.qemuLegacy, true],
  ['VT-d scalable, second stage', VTD_PRESETS.qemuScalable, true],
  ['VT-d scalable, first stage', VTD_PRESETS.qemuFirstStage, false],
  ['VT-d with everything that the model has', VTD_PRESETS.full, false],
  ['VT-d in caching mode', { ...VTD_PRESETS.qemuLegacy, cap: VTD_PRESETS.qemuLegacy.cap | 0x80n }, true],
] as const;

for (const [name, preset, hasWriteOnly] of rigs) {
  iommuConformance(name, () =>
    modelRig({
      makeUnit: (memory) => new VtdUnit({ memory, ...preset, hostAddressBits: 52 }),
      makeDriver: (options) => new IntelIommu(options),
      hasWriteOnly,
      faultLine: (sourceId, iova, isWrite) => {
        const device = `0000:00:${(sourceId >> 3).toString(16).padStart(2, '0')}\\.${sourceId & 7}`;
        return new RegExp(
          `^DMAR: \\[DMA ${isWrite ? 'Write' : 'Read'} NO_PASID\\] Request device \\[${device}\\] fault addr 0x${iova.toString(16)} `,
        );
      },
    }),
  );
}
