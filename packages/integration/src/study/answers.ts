import { MAPPING_TARGETS, type MappingTrial } from './mapping-trials.ts';
import type { PlatformTrial } from './platform-trial.ts';
import type { StudyRow } from './study-row.ts';

/** One of the four questions of June 2025, and what the figures say. */
export interface StudyAnswer {
  readonly question: string;
  readonly answer: string;
  /** What the answer stands on, a line each. */
  readonly figures: readonly string[];
}

/** Answers the questions with which the physical-address interface was proposed, from what was measured. */
export function answerQuestions(
  rows: readonly StudyRow[],
  trials: readonly MappingTrial[],
  platforms: readonly PlatformTrial[],
): StudyAnswer[] {
  return [conversionsSaved(rows), fitForPeers(trials), platformCallback(platforms), unmapWithoutSource(rows)];
}

function conversionsSaved(rows: readonly StudyRow[]): StudyAnswer {
  const of = (era: StudyRow['era']) => rows.filter((row) => row.era === era);
  const page = range(of('page').map(({ conversionsPerIo }) => conversionsPerIo));
  const phys = range(of('phys').map(({ conversionsPerIo }) => conversionsPerIo));
  const traced = range(of('page').map(({ conversionsPerIoTraced }) => conversionsPerIoTraced));
  return {
    question: 'Which conversions between page descriptor and physical address does it save in the block data path?',
    answer: phys === '0.00' ? 'All of them.' : 'Not all of them.',
    figures: [
      `conversions per I/O: ${page} page-based (${traced} when traced), ${phys} phys-based`,
      `they take ${conversionTime(of('page'))} of CPU time an I/O page-based, by docs/cost-model.md`,
    ],
  };
}

/** Counts per kind of memory; a bus address needs no call, and counts as reachable. */
function fitForPeers(trials: readonly MappingTrial[]): StudyAnswer {
  const figures = MAPPING_TARGETS.map((target) => {
    const share = (era: MappingTrial['era']) => {
      const tried = trials.filter((trial) => trial.target === target && trial.era === era);
      return `${tried.filter(({ outcome }) => outcome !== 'refused').length} of ${tried.length}`;
    };
    return `${target}: reachable on ${share('page')} machines page-based, ${share('phys')} phys-based`;
  });
  figures.push(...refusals(trials));
  const nameless = trials.filter(({ target, era }) => target === MAPPING_TARGETS[4] && era === 'phys');
  const fits = nameless.some(({ outcome }) => outcome !== 'refused');
  return {
    question: 'Does it suit peer-to-peer memory, which need not have page descriptors?',
    answer: fits
      ? 'Yes: it maps what has no descriptor. The caller still has to classify the path, and to say MMIO.'
      : 'Not on these machines.',
    figures,
  };
}

/** Why something could not be reached, and where. */
function refusals(trials: readonly MappingTrial[]): string[] {
  const machines = Map.groupBy(
    trials.filter(({ outcome }) => outcome === 'refused'),
    ({ how }) => how,
  );
  const total = new Set(trials.map(({ machine }) => machine)).size;
  return [...machines].map(([how, refused]) => {
    const names = new Set(refused.map(({ machine }) => machine));
    return `refused by ${how} (${names.size === total ? 'every machine' : [...names].join(', ')})`;
  });
}

function platformCallback(platforms: readonly PlatformTrial[]): StudyAnswer {
  const needs = (era: PlatformTrial['era']) => platforms.find((trial) => trial.era === era)?.mapCallbacks.length ?? 0;
  return {
    question: "Should a platform's dma_map_ops get a map_phys callback?",
    answer:
      needs('phys') < needs('page')
        ? 'Yes: one callback does what took several, without converting.'
        : 'It saves nothing.',
    figures: platforms.map(
      ({ era, mapCallbacks, maps, conversions }) =>
        `${era}-based: ${mapCallbacks.join(' + ')}; ${conversions} conversions for ${maps} maps of RAM and MMIO`,
    ),
  };
}

function unmapWithoutSource(rows: readonly StudyRow[]): StudyAnswer {
  const figures = rows
    .filter(({ era }) => era === 'phys')
    .map(({ machine, unmapSources: { arithmetic, pageTable, slotTable, nothing } }) => {
      const ways = [
        [arithmetic, 'by arithmetic'],
        [pageTable, 'from the page table'],
        [slotTable, 'from the slot table'],
        [nothing, 'not needed'],
      ] as const;
      const used = ways.filter(([count]) => count > 0).map(([count, way]) => `${count} ${way}`);
      return `${machine}: ${used.join(', ')}`;
    });
  return {
    question: "Is it a problem that dma_unmap_phys isn't told the source address?",
    answer: 'No: each backend finds it, or needs none, and the page-based unmap was told no more.',
    figures,
  };
}

function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values).toFixed(2), Math.max(...values).toFixed(2)];
  return least === most ? least : `${least} to ${most}`;
}

function conversionTime(rows: readonly StudyRow[]): string {
  const nanos = range(rows.map(({ time }) => time.cpuNanosPerIoByPart.conversions));
  const shares = range(rows.map(({ time }) => (100 * time.cpuNanosPerIoByPart.conversions) / time.cpuNanosPerIo));
  return `${nanos} ns (${shares} %)`;
}
