import { describe, expect, it } from 'vitest';
import { MACHINES } from '../machine/presets.ts';
import { parseFioJobs } from '../workload/fio-parser.ts';
import { answerQuestions } from './answers.ts';
import { MAPPING_TARGETS, tryMappings } from './mapping-trials.ts';
import { tryPlatformOps } from './platform-trial.ts';
import { runStudy } from './run-study.ts';

const jobs = parseFioJobs('[a]\nrw=randrw\nbssplit=4k/50:128k/50\nsize=4m\nio_size=2m\niodepth=4\n', 'a.fio');
const studied = ['x86-direct', 'x86-vtd-strict', 'x86-swiotlb', 'x86-32bit'].map((name) => MACHINES[name]);
const rows = runStudy(jobs, studied);
const trials = [MACHINES['x86-swiotlb'], MACHINES['gpu-peer'], MACHINES['gpu-peer-vtd']].flatMap(tryMappings);
const trial = (machine: string, era: string, target: number) =>
  trials.find((each) => each.machine === machine && each.era === era && each.target === MAPPING_TARGETS[target]);

describe('where teardown finds the source (spec D21)', () => {
  it.each([
    ['x86-direct', 'arithmetic'],
    ['x86-vtd-strict', 'pageTable'],
    ['x86-swiotlb', 'slotTable'],
    ['x86-32bit', 'slotTable'],
  ] as const)('%s: every unmap by %s', (name, way) => {
    const row = rows.find(({ machine, era }) => machine === name && era === 'phys');
    expect(row?.unmapSources[way]).toBe(row?.unmaps);
    expect(row?.unmaps).toBeGreaterThan(0);
  });

  it('G9 is the same for the page-based interface', () => {
    for (const { machine, era, unmapSources } of rows) {
      const other = rows.find((row) => row.machine === machine && row.era !== era);
      expect(other?.unmapSources).toEqual(unmapSources);
    }
  });

  it('D77 needs nothing for two-step requests: each has one range, and every range one unmap', () => {
    const row = rows.find(({ machine, era }) => machine === 'x86-vtd-strict' && era === 'phys');
    expect(row?.twoStepRequests).toBeGreaterThan(0);
    expect(row?.iovaRanges).toBe((row?.maps ?? 0) + (row?.twoStepRequests ?? 0));
    expect(row?.unmapSources.nothing).toBe(row?.twoStepRequests);
    expect(row?.invalidations).toBeGreaterThanOrEqual(row?.iovaRanges ?? Number.POSITIVE_INFINITY);
  });
});

describe('what can be mapped', () => {
  it.each([
    ['gpu-peer', 'page', 0, 'mapped', 'dma_map_page'],
    ['gpu-peer', 'phys', 0, 'mapped', 'dma_map_phys'],
    ['gpu-peer', 'page', 1, 'refused', 'dma_map_page: there is no page to pass'], // G11
    ['gpu-peer', 'phys', 1, 'mapped', 'dma_map_phys'],
    ['gpu-peer', 'page', 2, 'mapped', 'dma_map_resource'], // G8
    ['gpu-peer', 'phys', 2, 'mapped', 'dma_map_phys + DMA_ATTR_MMIO'],
    ['gpu-peer', 'page', 3, 'bus address', 'no call'], // T34
    ['gpu-peer', 'phys', 4, 'bus address', 'no call'],
    ['gpu-peer-vtd', 'phys', 3, 'mapped', 'dma_map_phys + DMA_ATTR_MMIO'], // D22
    ['gpu-peer-vtd', 'phys', 4, 'mapped', 'dma_map_phys + DMA_ATTR_MMIO'],
    ['gpu-peer-vtd', 'page', 4, 'refused', 'dma_map_page: there is no page to pass'],
    ['x86-swiotlb', 'phys', 2, 'refused', 'dma_map_phys + DMA_ATTR_MMIO: MMIO cannot bounce'], // D17 step 2
  ] as const)('%s, %s: target %d is %s, %s', (machine, era, target, outcome, how) => {
    expect(trial(machine, era, target)).toMatchObject({ outcome, how });
  });
});

describe('time, by the cost model', () => {
  const row = (machine: string, era: string) => rows.find((each) => each.machine === machine && each.era === era)!;

  it('goes to conversions in the page-based interface alone: 1.5 ns each', () => {
    for (const { machine } of rows) {
      const { time, conversionsPerIo } = row(machine, 'page');
      expect(time.cpuNanosPerIoByPart.conversions).toBeCloseTo(1.5 * conversionsPerIo, 6);
      expect(row(machine, 'phys').time.cpuNanosPerIoByPart.conversions).toBe(0);
    }
  });

  it('is longest where the most stands between disk and memory', () => {
    const [direct, strict, bounced] = ['x86-direct', 'x86-vtd-strict', 'x86-swiotlb'].map(
      (name) => row(name, 'phys').time,
    );
    expect(direct.mappingNanosPerIo).toBeLessThan(strict.mappingNanosPerIo);
    expect(direct.mappingNanosPerIo).toBeLessThan(bounced.mappingNanosPerIo);
    expect(strict.cpuNanosPerIoByPart.invalidation).toBeGreaterThan(0);
    expect(bounced.cpuNanosPerIoByPart.bouncing).toBeGreaterThan(0);
    expect([direct.walkNanosPerIo > 0, strict.walkNanosPerIo > 0]).toEqual([false, true]);
  });

  it('adds up', () => {
    for (const { time } of rows) {
      const parts = Object.values(time.cpuNanosPerIoByPart).reduce((sum, nanos) => sum + nanos, 0);
      expect(parts).toBeCloseTo(time.cpuNanosPerIo, 6);
    }
  });
});

describe('the answers', () => {
  const platforms = [tryPlatformOps('page'), tryPlatformOps('phys')];

  it('D12 G4 a platform needs one callback instead of two, and converts nothing', () => {
    expect(platforms[0]).toMatchObject({ mapCallbacks: ['map_page', 'map_resource'], conversions: 2000 });
    expect(platforms[1]).toMatchObject({ mapCallbacks: ['map_phys'], conversions: 0 });
  });

  it('follow from the figures', () => {
    const answers = answerQuestions(rows, trials, platforms).map(({ answer }) => answer);
    expect(answers.map((answer) => answer.split(/[.:]/)[0])).toEqual(['All of them', 'Yes', 'Yes', 'No']);
  });

  it('turn where the figures turn', () => {
    const costly = rows.map((row) => ({ ...row, conversionsPerIo: 1 }));
    const refused = trials.map((each) => ({ ...each, outcome: 'refused' as const }));
    const [first, second, third] = answerQuestions(costly, refused, [platforms[0], { ...platforms[0], era: 'phys' }]);
    expect([first.answer, second.answer, third.answer]).toEqual([
      'Not all of them.',
      'Not on these machines.',
      'It saves nothing.',
    ]);
  });
});
