import { iommuConformance } from '../testing/conformance/iommu-conformance.ts';
import { modelRig } from '../testing/conformance/model-rig.ts';
import { AmdIommu } from './driver/amd-iommu.ts';
import { AMD_PRESETS } from './features.ts';
import { AmdUnit } from './hardware/amd-unit.ts';

const NP_CACHE = 2 ** 26;
const rigs = [
  ['AMD-Vi, host tables', AMD_PRESETS.full, 'host'],
  ['AMD-Vi with NpCache', { ...AMD_PRESETS.full, capability: AMD_PRESETS.full.capability + NP_CACHE }, 'host'],
  ['AMD-Vi, guest tables', AMD_PRESETS.full, 'guest'],
] as const;

for (const [name, preset, stage] of rigs) {
  iommuConformance(name, () =>
    modelRig({
      makeUnit: (memory) => new AmdUnit({ memory, ...preset }),
      makeDriver: (options) => {
        const driver = new AmdIommu({ ...options, capability: preset.capability, lastDeviceId: 0x3ff });
        const createDomain = driver.createDomain.bind(driver);
        driver.createDomain = (domainOptions) => createDomain({ stage, ...domainOptions });
        return driver;
      },
      hasWriteOnly: stage === 'host',
      faultLine: (sourceId, iova) => {
        const device = `0000:00:${(sourceId >> 3).toString(16).padStart(2, '0')}\\.${sourceId & 7}`;
        return new RegExp(
          `^AMD-Vi: Event logged \\[IO_PAGE_FAULT device=${device} domain=0x[0-9a-f]{4} address=0x${iova.toString(16)} flags=0x[0-9a-f]{4}\\]$`,
        );
      },
    }),
  );
}
