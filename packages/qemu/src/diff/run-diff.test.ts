import { VTD_PRESETS, VtdUnit } from '@dmalab/iommu';
import { expect, it } from 'vitest';
import { ENGINE_BYTES } from '../engine/dma-engine.ts';
import { describeOnQemu } from '../testing/describe-on-qemu.ts';
import { type QemuIommu, SMMUV3, VTD_LEGACY, VTD_SCALABLE } from '../testing/qemu-iommus.ts';
import { knownDifference } from './known-difference.ts';
import { ModelDiffSide } from './model-side.ts';
import type { UnitName } from './operation.ts';
import { parseSequence } from './parse-sequence.ts';
import { recordSequence } from './record-sequence.ts';
import { playBoth, runDiff } from './run-diff.ts';

const UNITS: readonly (readonly [UnitName, QemuIommu])[] = [
  ['vtd', VTD_LEGACY],
  ['vtd-scalable', VTD_SCALABLE],
  ['smmuv3', SMMUV3],
];

for (const [unit, iommu] of UNITS) {
  describeOnQemu(`a sequence on ${iommu.name}`, iommu.whyNot(), () => {
    it('as our driver does it ends the same on our model and on QEMU, register by register', () => {
      const text = recordSequence(unit);
      const report = runDiff(parseSequence(text));
      expect(report.difference).toBe(null);
      expect(report.played).toBe(report.steps);
      expect(report.steps).toBeGreaterThan(90);
      expect(text).toContain('dma 00:04.0 w 0x1000000200');
    });
  });
}

it('stops at the first step that differs, with both answers and its line', () => {
  const side = (cap: bigint) => new ModelDiffSide((memory) => new VtdUnit({ memory, cap, ecap: 0xf42n }), ENGINE_BYTES);
  const sequence = parseSequence('unit vtd\nwrite 0x1000 05\nread 0x1000 1\n\nreadl 0x8\nreadl 0xc\nreadl 0x10');
  const { cap } = VTD_PRESETS.qemuLegacy;
  expect(playBoth(sequence, { model: side(cap), qemu: side(cap + (1n << 32n)), version: '0' })).toEqual({
    unit: 'vtd',
    version: '0',
    steps: 5,
    played: 4,
    difference: { line: 6, text: 'readl 0xc', model: '0x80d2008c', qemu: '0x80d2008d' },
    known: [],
  });
});

it.each([
  [0x22c, 0x80000005, 0x80ffff05, 'vtd-record-pasid'],
  [0x228, 0x00000020, 0x80000020, 'vtd-record-pasid'],
  [0x22c, 0x80000005, 0x80ffff06, null],
  [0x220, 0x00001000, 0x00002000, null],
] as const)('H24 register 0x%x with 0x%x here and 0x%x there is %s', (offset, model, qemu, id) => {
  const answers = [model, qemu].map((value) => `0x${value.toString(16)}`);
  expect(knownDifference('vtd', { kind: 'readl', offset }, answers[0], answers[1])).toBe(id);
});

it('H71 knows the CLASS that QEMU leaves out of an event, and nothing else in it', () => {
  const read = { kind: 'read', at: 0x4100100c, lengthBytes: 4 } as const;
  expect(knownDifference('smmuv3', read, '08020000', '08000000')).toBe('smmu-event-class');
  expect(knownDifference('smmuv3', read, '00020000', '08000000')).toBe(null);
  expect(knownDifference('smmuv3', { ...read, at: 0x41001008 }, '00020000', '00000000')).toBe(null);
});
