import { iommuConformance } from '../testing/conformance/iommu-conformance.ts';
import { modelRig } from '../testing/conformance/model-rig.ts';
import { SMMU_PRESETS } from './capabilities.ts';
import { ArmSmmuV3, type SmmuDomainOptions } from './driver/arm-smmu-v3.ts';
import type { SmmuDeviations } from './hardware/deviations.ts';
import { SmmuV3Unit } from './hardware/smmuv3-unit.ts';

const { qemu, full } = SMMU_PRESETS;
/** No range invalidation, no two-level stream tables, ASIDs and VMIDs of 8 bits, 1024 streams, queues of 16 entries. */
const plain = { idr0: 0x0540001b, idr1: 0x0084000a, idr3: 0, idr5: 0x74 };

const rigs: [string, typeof qemu | typeof full | typeof plain, SmmuDomainOptions, SmmuDeviations][] = [
  ['SMMUv3 stage 1, as in QEMU', qemu, {}, 'qemu'],
  ['SMMUv3 stage 1, 16 KiB granule', qemu, { granule: 16384 }, 'spec'],
  ['SMMUv3 stage 1, 64 KiB granule', qemu, { granule: 65536 }, 'spec'],
  ['SMMUv3 stage 2', qemu, { stage: 2 }, 'spec'],
  ['SMMUv3 stage 2, 64 KiB granule', full, { stage: 2, granule: 65536 }, 'spec'],
  ['SMMUv3 of the first revision', plain, {}, 'spec'],
  ['SMMUv3 with everything that the model has', full, {}, 'spec'],
];

/** The suite asks for domains without saying which: this driver has one kind of them. */
class OneKind extends ArmSmmuV3 {
  shape: SmmuDomainOptions = {};

  override createDomain(options: SmmuDomainOptions = {}): ReturnType<ArmSmmuV3['createDomain']> {
    return super.createDomain({ ...this.shape, ...options });
  }
}

for (const [name, preset, shape, deviations] of rigs) {
  iommuConformance(
    name,
    () =>
      modelRig({
        makeUnit: (memory) => new SmmuV3Unit({ memory, ...preset, deviations, tlbEntries: 256 }),
        makeDriver: (options) => Object.assign(new OneKind(options), { shape }),
        hasWriteOnly: shape.stage === 2,
        faultLine: (sourceId, iova) => {
          const at = `sid: 0x${sourceId.toString(16)} ssid: 0 iova: 0x${iova.toString(16)} ipa: `;
          return new RegExp(`^arm-smmu-v3 arm-smmu-v3\\.0\\.auto: event: F_(TRANSLATION|PERMISSION) client: .* ${at}`);
        },
      }),
    { randomRuns: 5 },
  );
}
