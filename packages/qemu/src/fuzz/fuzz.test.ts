import { afterEach, expect, it } from 'vitest';
import type { QemuDifferenceId } from '../differences.ts';
import { QemuMachine, type QemuMachineOptions } from '../machine/qemu-machine.ts';
import { describeOnQemu } from '../testing/describe-on-qemu.ts';
import { type QemuIommu, SMMUV3, VTD_LEGACY } from '../testing/qemu-iommus.ts';
import { Differential, type Disagreement } from './differential.ts';
import type { FuzzSetup } from './fuzz-setup.ts';
import { SMMU_FUZZ_MACHINE, smmuDifferential } from './smmu-differential.ts';
import { VTD_FUZZ_MACHINE, vtdDifferential } from './vtd-differential.ts';

/** `DMALAB_FUZZ=10000` looks at that many table sets, from `DMALAB_FUZZ_SEED` on. */
const CASES = Number(process.env['DMALAB_FUZZ'] ?? 300);
const FIRST_SEED = Number(process.env['DMALAB_FUZZ_SEED'] ?? 0);

/** The row of QEMU_DIFFERENCES that explains a disagreement, or null. */
type Explain = (found: Disagreement) => QemuDifferenceId | null;

interface FuzzedUnit {
  readonly iommu: QemuIommu;
  readonly options: QemuMachineOptions;
  readonly setUp: (machine: QemuMachine) => FuzzSetup;
  readonly explain: Explain;
}

const UNITS: readonly FuzzedUnit[] = [
  { iommu: VTD_LEGACY, options: VTD_FUZZ_MACHINE, setUp: vtdDifferential, explain: vtdDifference },
  { iommu: SMMUV3, options: SMMU_FUZZ_MACHINE, setUp: smmuDifferential, explain: smmuDifference },
];

for (const { iommu, options, setUp, explain } of UNITS) {
  describeOnQemu(`random tables on ${iommu.name}`, iommu.whyNot(), () => {
    let machine: QemuMachine;
    afterEach(() => machine.close());

    it('lead every request to the same place or the same fault record on both sides', () => {
      machine = new QemuMachine(options);
      const { cases, layout, model, qemu } = setUp(machine);
      const differential = new Differential(layout, model, qemu);
      const unexplained: Disagreement[] = [];
      for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++)
        unexplained.push(...differential.play(cases.make(seed)).filter((found) => explain(found) === null));
      expect(unexplained).toEqual([]);
      expect(differential.passed).toBeGreaterThan(CASES / 2);
      expect(differential.blocked).toBeGreaterThan(CASES / 2);
    }, 600_000);

    it('would show a model that takes writes for reads', () => {
      machine = new QemuMachine(options);
      const { cases, layout, model, qemu } = setUp(machine);
      const faulty = { ...model, translate: (iova: number) => model.translate(iova, 0) };
      const differential = new Differential(layout, faulty, qemu);
      const found = Array.from({ length: 40 }, (_, seed) => differential.play(cases.make(seed))).flat();
      expect(found.filter((disagreement) => explain(disagreement) === null).length).toBeGreaterThan(0);
    });

    it('would show data that went to another page', () => {
      machine = new QemuMachine(options);
      const { cases, layout, model, qemu } = setUp(machine);
      const astray = (phys: number) => (phys < 0 ? phys : phys ^ 0x1000);
      const faulty = { ...model, translate: (iova: number, isWrite: 0 | 1) => astray(model.translate(iova, isWrite)) };
      const differential = new Differential(layout, faulty, qemu);
      const found = Array.from({ length: 40 }, (_, seed) => differential.play(cases.make(seed))).flat();
      expect(found.some(({ qemu: { moved } }) => moved === false)).toBe(true);
    });
  });
}

/** Rights that an IOTLB entry lacks, and which QEMU doesn't record. */
function vtdDifference({ model, qemu, mayBeCached }: Disagreement): QemuDifferenceId | null {
  const isRights = 'reason' in model && (model.reason === 5 || model.reason === 6);
  return isRights && qemu.fault === null && mayBeCached ? 'vtd-cached-rights' : null;
}

const F_TRANSLATION = 0x10;
const F_ADDR_SIZE = 0x11;
const F_ACCESS = 0x12;
const F_PERMISSION = 0x13;

/** Checks that QEMU leaves out: what comes after them decides, which is nothing, or the rights. */
function smmuDifference({ request, model, qemu, mayBeCached }: Disagreement): QemuDifferenceId | null {
  const { peculiarity } = request;
  if (!('reason' in model) || (qemu.fault !== null && qemu.fault.reason !== F_PERMISSION)) return null;
  if (model.reason === F_ACCESS) return 'smmu-access-flag';
  if (model.reason === F_ADDR_SIZE) return 'smmu-output-size';
  if (model.reason === F_PERMISSION)
    return peculiarity === 'read-only table' && mayBeCached ? 'smmu-cached-table-rights' : null;
  if (model.reason !== F_TRANSLATION) return null;
  if (peculiarity === 'misplaced block') return 'smmu-block-level';
  if (peculiarity === 'read-only table' && qemu.fault !== null) return 'smmu-table-rights';
  return peculiarity === 'outside' && qemu.fault === null ? 'smmu-outside-silent' : null;
}
