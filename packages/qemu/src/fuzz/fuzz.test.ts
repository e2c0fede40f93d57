import { afterEach, expect, it } from 'vitest';
import type { QemuDifferenceId } from '../differences.ts';
import { QemuMachine } from '../machine/qemu-machine.ts';
import { describeOnQemu } from '../testing/describe-on-qemu.ts';
import { VTD_LEGACY } from '../testing/qemu-iommus.ts';
import { Differential, type Disagreement } from './differential.ts';
import { VTD_FUZZ_MACHINE, vtdDifferential } from './vtd-differential.ts';

/** `DMALAB_FUZZ=10000` looks at that many table sets, from `DMALAB_FUZZ_SEED` on. */
const CASES = Number(process.env['DMALAB_FUZZ'] ?? 300);
const FIRST_SEED = Number(process.env['DMALAB_FUZZ_SEED'] ?? 0);

const UNITS = [
  { iommu: VTD_LEGACY, options: VTD_FUZZ_MACHINE, setUp: vtdDifferential, explain: vtdDifference },
] as const;

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
      expect(differential.passed).toBeGreaterThan(CASES);
      expect(differential.blocked).toBeGreaterThan(CASES);
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

/** Rights that an IOTLB entry lacks, and which QEMU doesn't record (`vtd-cached-rights`). */
function vtdDifference({ model, qemu, mayBeCached }: Disagreement): QemuDifferenceId | null {
  const isRights = 'reason' in model && (model.reason === 5 || model.reason === 6);
  return isRights && qemu.fault === null && mayBeCached ? 'vtd-cached-rights' : null;
}
