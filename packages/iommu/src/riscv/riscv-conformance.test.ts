import { iommuConformance } from '../testing/conformance/iommu-conformance.ts';
import { modelRig } from '../testing/conformance/model-rig.ts';
import { RISCV_PRESETS } from './capabilities.ts';
import { type RiscvDomainOptions, RiscvIommu } from './driver/riscv-iommu.ts';
import { RiscvUnit } from './hardware/riscv-unit.ts';

const rigs: readonly [string, bigint, RiscvDomainOptions][] = [
  ['RISC-V as QEMU has it, Sv57', RISCV_PRESETS.qemuPci, {}],
  ['RISC-V with base device contexts, Sv48', RISCV_PRESETS.qemuBase, { levels: 4 }],
  ['RISC-V with interrupts by wire or message, Sv39', RISCV_PRESETS.qemuSys, { levels: 3 }],
  ['RISC-V with everything that the model has', RISCV_PRESETS.full, {}],
];

for (const [name, capabilities, domainOptions] of rigs) {
  const makeRig = () =>
    modelRig({
      makeUnit: (memory) => new RiscvUnit({ memory, capabilities }),
      makeDriver: (options) => {
        const driver = new RiscvIommu(options);
        const createDomain = driver.createDomain.bind(driver);
        driver.createDomain = (asked) => createDomain({ ...domainOptions, ...asked });
        return driver;
      },
      hasWriteOnly: false,
      faultLine: (sourceId, iova, isWrite) =>
        new RegExp(`: Fault ${isWrite ? 15 : 13} devid: 0x${sourceId.toString(16)} iotval: ${iova.toString(16)} `),
    });
  iommuConformance(name, makeRig, { randomRuns: 8 });
}
