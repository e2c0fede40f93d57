import type { DmaEra } from '@dmalab/dma-api';
import { bringUp } from '../machine/bring-up.ts';
import { buildMachine } from '../machine/build-machine.ts';
import type { MachineDescription } from '../machine/machine-description.ts';
import type { FioJobFile } from '../workload/fio-job.ts';
import { WorkloadRunner } from '../workload/workload-runner.ts';
import { EventTally } from './event-tally.ts';
import type { StudyRow, UnmapSources } from './study-row.ts';
import { timeWorkload } from './time-trial.ts';

/** Room for every event of a round: at most 1023 entries of 8 MiB would need more, and the tally says so. */
const TRACE_EVENTS = 2 ** 18;
const DRAIN_EVERY_ROUNDS = 16;

const ERAS: readonly DmaEra[] = ['page', 'phys'];

export interface StudyOptions {
  /** Called now and then with the share of the whole study that is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/**
 * Runs one workload on every machine with the page-based and the phys-based mapping interface. Deterministic: the same
 * jobs and machines give the same rows.
 * @throws {FioJobError} when a job does not fit a machine's disk
 * @throws {WorkloadError} when a block comes back wrong
 */
export function runStudy(
  jobs: FioJobFile,
  machines: readonly MachineDescription[],
  { onProgress = () => {} }: StudyOptions = {},
): StudyRow[] {
  const runs = machines.flatMap((machine) => ERAS.map((era) => ({ ...machine, era })));
  return runs.map((machine, done) => studyOne(jobs, machine, (share) => onProgress((done + share) / runs.length)));
}

/** Three runs of the same workload: one that nothing watches, for its counts, one recorded, and one in virtual time. */
function studyOne(jobs: FioJobFile, description: MachineDescription, onProgress: (share: number) => void): StudyRow {
  const unwatched = runUnwatched(jobs, description, (share) => onProgress(share / 3));
  const { tally, conversions } = runRecorded(jobs, description, (share) => onProgress((1 + share) / 3));
  const time = timeWorkload(jobs, description, (share) => onProgress((2 + share) / 3));
  const { result, traffic, physToPage, pageToPhys } = unwatched;
  const ios = result.reads + result.writes;
  return {
    machine: description.name,
    era: description.era,
    ios,
    bytesVerified: result.bytesVerified,
    maps: tally.maps,
    unmaps: tally.unmaps,
    elidedUnmaps: tally.maps - tally.unmaps,
    iommuMaps: tally.iommuMaps,
    iommuUnmaps: tally.iommuUnmaps,
    iovaRanges: tally.iommuUnmaps,
    twoStepRequests: twoStepRequests(tally),
    tablePages: tally.tablePages,
    invalidations: traffic?.invalidations ?? 0,
    bouncedBytes: tally.bouncedBytes,
    tableWalks: traffic?.walks ?? 0,
    iotlbHits: traffic?.hits ?? 0,
    unmapSources: unmapSources(tally),
    physToPage,
    pageToPhys,
    conversionsPerIo: (physToPage + pageToPhys) / ios,
    conversionsPerIoTraced: conversions / ios,
    time,
  };
}

/** Behind an IOMMU each unmap takes one range out of the tables; the ranges beyond that were two-step requests. */
function twoStepRequests({ iommuUnmaps, unmaps }: EventTally): number {
  return Math.max(0, iommuUnmaps - unmaps);
}

function unmapSources(tally: EventTally): UnmapSources {
  const { maps, unmaps, bounces, iommuUnmaps } = tally;
  const nothing = maps - unmaps + twoStepRequests(tally);
  if (iommuUnmaps > 0) return { arithmetic: 0, pageTable: unmaps, slotTable: 0, nothing };
  return { arithmetic: unmaps - bounces, pageTable: 0, slotTable: bounces, nothing };
}

function runUnwatched(jobs: FioJobFile, description: MachineDescription, onProgress: (share: number) => void) {
  const machine = bringUp(buildMachine(description, { meterIommu: true }));
  const runner = new WorkloadRunner(machine, jobs);
  const { conversions } = machine.dma;
  conversions.reset();
  machine.iommu?.meter?.reset();
  for (let round = 0; runner.round(); round++) if (round % DRAIN_EVERY_ROUNDS === 0) onProgress(runner.progress);
  return {
    result: runner.finish(),
    traffic: machine.iommu?.meter?.traffic,
    physToPage: conversions.physToPageCount,
    pageToPhys: conversions.pageToPhysCount,
  };
}

function runRecorded(jobs: FioJobFile, description: MachineDescription, onProgress: (share: number) => void) {
  const machine = bringUp(buildMachine(description, { traceEvents: TRACE_EVENTS }));
  const runner = new WorkloadRunner(machine, jobs);
  const { ring, dma } = machine;
  const tally = new EventTally(dma);
  dma.conversions.reset();
  ring.on = true;
  for (let round = 0; runner.round(); round++) {
    if (round % DRAIN_EVERY_ROUNDS !== 0) continue;
    tally.drain();
    onProgress(runner.progress);
  }
  ring.on = false;
  tally.drain();
  runner.finish();
  return { tally, conversions: dma.conversions.physToPageCount + dma.conversions.pageToPhysCount };
}
