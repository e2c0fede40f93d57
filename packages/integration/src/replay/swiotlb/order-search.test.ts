import { readTrace } from '@dmalab/trace';
import { describe, expect, it } from 'vitest';
import { replaySwiotlb } from '../swiotlb.ts';
import { TracedMachine } from './testing/traced-machine.ts';

const START = 0x36c00000;

function replay(lines: readonly string[], slotCount: number, areaCount: number, cpus: number) {
  const { log } = readTrace(new TextEncoder().encode(`${lines.join('\n')}\n`));
  const bootText = [
    '[    1.0] nvme nvme0: pci function 0000:00:03.0',
    `[    0.0] software IO TLB: area num ${areaCount}.`,
    `io_tlb_nslabs ${slotCount}`,
  ];
  return replaySwiotlb(log, { bootText: bootText.join('\n'), cpus })!;
}

const machines = [
  { cpus: 1, slotCount: 512, areaCount: 1, seed: 1 },
  { cpus: 1, slotCount: 1024, areaCount: 8, seed: 2 },
  { cpus: 2, slotCount: 512, areaCount: 2, seed: 3 },
  { cpus: 4, slotCount: 2048, areaCount: 4, seed: 5 },
  { cpus: 4, slotCount: 512, areaCount: 1, seed: 7 },
  { cpus: 8, slotCount: 2048, areaCount: 8, seed: 10 },
];

describe.each(machines)(
  '$cpus CPUs on $slotCount slots in $areaCount areas',
  ({ cpus, slotCount, areaCount, seed }) => {
    const lines = new TracedMachine({ start: START, slotCount, areaCount }, cpus, seed).run(5000, 40);

    it('S99 some order that the trace permits explains every address and every failure', () => {
      const agreement = replay(lines, slotCount, areaCount, cpus);
      expect(agreement).toMatchObject({ agree: agreement.compared, unexplained: 0, geometry: { start: '0x36c00000' } });
      expect(agreement.failures).toBeGreaterThan(20);
      expect(agreement.reordered > 0).toBe(cpus > 1);
    });

    it('a changed address is found, and named', () => {
      const changed = lines.findIndex((line, k) => k > 500 && line.includes('dma_map_phys'));
      const forged = lines.with(
        changed,
        lines[changed].replace(/dma_addr=\w+/, `dma_addr=${(START + 0x7f000).toString(16)}`),
      );
      const { firstMismatch, unexplained } = replay(forged, slotCount, areaCount, cpus);
      expect(unexplained).toBeGreaterThan(0);
      expect(firstMismatch?.line).toBeLessThanOrEqual(changed + 1);
    });

    it('finds its feet again after lost events', () => {
      const { compared, agree } = replay(lines.toSpliced(1000, 6), slotCount, areaCount, cpus);
      expect(agree / compared).toBeGreaterThan(0.97);
    });
  },
);

describe('S132 devices of which nobody told anything', () => {
  const masks = (minAlignMask: number, segBoundaryMask: number) => ({ minAlignMask, segBoundaryMask });
  const devices = [
    { name: '0000:00:03.0', ...masks(4095, 0xffffffff) },
    { name: '0000:00:1f.2', ...masks(0, 0xffffffff) },
    { name: '0000:00:01.1', ...masks(0, 0xffff) },
  ];

  it.each([
    { cpus: 1, slotCount: 512, areaCount: 1, start: 0x36c05000 },
    { cpus: 2, slotCount: 1024, areaCount: 2, start: 0xbb934000 },
  ])('shows their masks and the pool in a trace of $cpus CPUs', ({ cpus, slotCount, areaCount, start }) => {
    const machine = new TracedMachine({ start, slotCount, areaCount }, cpus, 1, devices);
    const { log } = readTrace(new TextEncoder().encode(`${machine.run(4000, 15).join('\n')}\n`));
    const agreement = replaySwiotlb(log)!;
    expect(agreement).toMatchObject({
      agree: agreement.compared,
      geometry: { start: `0x${start.toString(16)}`, slotCount, areaCount },
      masks: {
        '0000:00:03.0': { minAlignMask: '0xfff', segBoundaryMask: '0xffffffff' },
        '0000:00:1f.2': { minAlignMask: '0x0', segBoundaryMask: '0xffffffff' },
        '0000:00:01.1': { minAlignMask: '0x0', segBoundaryMask: '0xffff' },
      },
    });
    expect(agreement.inferred).toContain(`${slotCount} slots`);
    expect(agreement.inferred).toContain('0000:00:01.1 seg_boundary_mask 0xffff');
  });
});
