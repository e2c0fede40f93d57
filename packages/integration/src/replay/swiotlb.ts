import { IO_TLB_SIZE } from '@dmalab/swiotlb';
import { EventKind, type TraceLog } from '@dmalab/trace';
import { describeAgreement, describeNothingShown, type SwiotlbAgreement } from './swiotlb/agreement.ts';
import { readBootFacts } from './swiotlb/boot-facts.ts';
import type { BounceHistory } from './swiotlb/bounce.ts';
import { readBounceHistory } from './swiotlb/history-reader.ts';
import { compareInOrder } from './swiotlb/order-search.ts';
import { PoolMachine } from './swiotlb/pool-machine.ts';
import { findSetting, type LikelySetting } from './swiotlb/setting-search.ts';

export interface SwiotlbReplayOptions {
  /** Boot log of the traced kernel, debugfs dumps included if there are any. */
  readonly bootText?: string;
  /** CPUs of the machine; default: as many as the trace shows. */
  readonly cpus?: number;
}

/** Orders to try for one result that the printed order doesn't explain, and in all: some seconds at worst. */
const ORDER_LIMITS = { movesForOne: 20_000, moves: 500_000, unexplained: Number.POSITIVE_INFINITY };

/** What a trace shows of its pool: the requests, and the likeliest pool that answered them. */
export interface TracedPool {
  readonly history: BounceHistory;
  /** Null when no mapping of the trace shows where its buffer lies. */
  readonly setting: LikelySetting | null;
  /** What the boot text told, and where. */
  readonly told: Readonly<Record<string, string>>;
}

/** @returns null if nothing in the trace bounced */
export function readTracedPool(log: TraceLog, { bootText = '', cpus }: SwiotlbReplayOptions = {}): TracedPool | null {
  if (!bounces(log)) return null;
  const machineCpus = cpus ?? countCpus(log);
  const firstReading = readBounceHistory(log);
  const told = readBootFacts(bootText, machineCpus);
  let facts = told;
  let setting = findSetting(firstReading, facts, machineCpus);
  if (setting === null) {
    // A pool as the text tells it can't hold what the trace shows: the text is another boot's.
    facts = { sources: {}, drivers: told.drivers };
    setting = findSetting(firstReading, facts, machineCpus);
  }
  if (setting === null) return { history: firstReading, setting, told: {} };
  const { start, slotCount } = setting.pool;
  // Read again: where the pool lies tells what an IOMMU mapping after a failed bounce is not.
  const history = readBounceHistory(log, { start, end: start + slotCount * IO_TLB_SIZE });
  return { history, setting, told: facts.sources };
}

/** Gives our pool the requests of the traced one and compares every address. */
export function compareWithPool({ history, setting, told }: TracedPool): SwiotlbAgreement {
  if (setting === null) return describeNothingShown(history);
  const machine = new PoolMachine(setting.pool, setting.masks, history.behindIommu);
  return describeAgreement(history, setting, compareInOrder(machine, history, ORDER_LIMITS), told);
}

/**
 * Replays the bounced mappings of a trace on our pool and compares every address. The trace must begin before the
 * machine's first bounce and must not have lost events (spec S132); otherwise the figures say so.
 *
 * @returns null if nothing in the trace bounced
 */
export function replaySwiotlb(log: TraceLog, options: SwiotlbReplayOptions = {}): SwiotlbAgreement | null {
  const traced = readTracedPool(log, options);
  return traced === null ? null : compareWithPool(traced);
}

function bounces(log: TraceLog): boolean {
  for (let i = 0; i < log.length; i++) if (log.kind(i) === EventKind.SWIOTLB_BOUNCED) return true;
  return false;
}

function countCpus(log: TraceLog): number {
  let highest = 0;
  for (let i = 0; i < log.length; i++) highest = Math.max(highest, log.cpu(i));
  return highest + 1;
}
