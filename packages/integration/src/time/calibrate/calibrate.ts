import type { TraceLog } from '@dmalab/trace';
import { type CostKey, type Costs, settleCosts } from '../costs/cost-table.ts';
import { Link } from '../device/link.ts';
import { measureIntervals, measureRequests, type RequestTime } from './intervals.ts';

/** Fewer say nothing. */
const LEAST_SAMPLES = 20;
/** The slowest tenth holds interrupts and other strangers: it is left out of a piece of work. */
const KEPT_SHARE = 0.9;
/** A disk at its quickest had nothing else to do. */
const QUIET_SHARE = 0.1;
const NANOS_PER_MICRO = 1000;
const COMMAND_BYTES = 64;
const COMPLETION_BYTES = 16;

/** What a trace's time stamps say of one figure. */
export interface CalibrationFigure {
  readonly what: string;
  readonly cost: CostKey;
  readonly samples: number;
  /** What to put into a machine's `costs`; null where the samples are too few. */
  readonly nanos: number | null;
  /** Standard error of it, with the resolution of the time stamps. */
  readonly uncertainNanos: number;
  /** The spread of the samples. */
  readonly tenthNanos: number;
  readonly medianNanos: number;
  readonly ninetiethNanos: number;
}

export interface Calibration {
  /** Of the time stamps. */
  readonly resolutionNanos: number;
  readonly figures: readonly CalibrationFigure[];
  /** The figures that have samples enough: of two for one cost, the one with more samples. */
  readonly costs: Partial<Costs>;
  readonly notes: readonly string[];
}

const NOTES = [
  'Each piece of work includes the recording of one event; what is shorter than that can not be told.',
  'What a trace of an emulated machine times is the emulator: use its figures against other runs there, not for hardware.',
] as const;

/**
 * What the time stamps of a trace say of the cost model. They say nothing of links, table walks or bounce buffers.
 * @param own costs of the machine that was traced, as far as they are known
 */
export function calibrate(log: TraceLog, own: Partial<Costs> = {}): Calibration {
  const resolutionNanos = resolutionOf(log);
  const work = [...measureIntervals(log)].map(([{ what, cost }, values]) =>
    figureOf(what, cost, values, resolutionNanos, meanOfMost),
  );
  const requests = measureRequests(log);
  const disk = [false, true].map((isWrite) => diskFigure(requests, isWrite, settleCosts(own), resolutionNanos));
  const figures = [...work, ...disk].filter(({ samples }) => samples > 0);
  return { resolutionNanos, figures, costs: costsOf(figures), notes: NOTES };
}

/** Text has microseconds; a trace.dat may have more. */
function resolutionOf(log: TraceLog): number {
  for (let i = 0; i < log.length; i++) if (!Number.isInteger(log.time(i))) return 1;
  return NANOS_PER_MICRO;
}

type Estimate = (sorted: readonly number[]) => number;

const meanOfMost: Estimate = (sorted) => {
  const kept = sorted.slice(0, Math.ceil(sorted.length * KEPT_SHARE));
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
};

function figureOf(
  what: string,
  cost: CostKey,
  values: readonly number[],
  resolution: number,
  estimate: Estimate,
): CalibrationFigure {
  const sorted = [...values].sort((a, b) => a - b);
  const samples = sorted.length;
  const at = (share: number): number => sorted[Math.min(samples - 1, Math.floor(share * samples))] ?? 0;
  const nanos = samples < LEAST_SAMPLES ? null : Math.round(Math.max(0, estimate(sorted)));
  return {
    ...{ what, cost, samples, nanos, uncertainNanos: standardError(sorted, resolution) },
    ...{ tenthNanos: at(0.1), medianNanos: at(0.5), ninetiethNanos: at(0.9) },
  };
}

/** Of the kept samples; a reading is off by up to half a step, evenly: 1/sqrt(12) of it. */
function standardError(sorted: readonly number[], resolution: number): number {
  const kept = sorted.slice(0, Math.ceil(sorted.length * KEPT_SHARE));
  if (kept.length < 2) return resolution;
  const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  const variance = kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (kept.length - 1);
  return Math.round(Math.sqrt((variance + resolution ** 2 / 12) / kept.length));
}

/** The quickest tenth of the smallest requests, less what link and doorbell take of it. */
function diskFigure(
  requests: readonly RequestTime[],
  isWrite: boolean,
  costs: Costs,
  resolution: number,
): CalibrationFigure {
  const bySize = Map.groupBy(
    requests.filter((request) => request.isWrite === isWrite),
    ({ lengthBytes }) => lengthBytes,
  );
  const sizes = [...bySize].sort(([a], [b]) => a - b);
  const [lengthBytes, smallest] = sizes.find(([, { length }]) => length >= LEAST_SAMPLES) ?? sizes[0] ?? [0, []];
  const values = smallest.map(({ nanos }) => nanos);
  const onTheWay = lengthBytes === 0 ? 0 : linkNanos(costs, isWrite, lengthBytes);
  const quickest: Estimate = (sorted) => sorted[Math.floor(sorted.length * QUIET_SHARE)] - onTheWay;
  const what = `block_rq_issue to block_rq_complete: ${isWrite ? 'writes' : 'reads'} of ${lengthBytes} bytes, the quickest tenth`;
  return figureOf(what, isWrite ? 'mediaWriteNanos' : 'mediaReadNanos', values, resolution, quickest);
}

/** Doorbell, command, data, completion and interrupt message, one after the other. */
function linkNanos(costs: Costs, isWrite: boolean, lengthBytes: number): number {
  const alone = (send: (link: Link) => number): number => send(new Link(costs, 0));
  const data = alone((link) => (isWrite ? link.read(0, lengthBytes) : link.write(0, lengthBytes)));
  const command = alone((link) => link.writeNanos + link.read(0, COMMAND_BYTES));
  return command + data + alone((link) => link.write(0, COMPLETION_BYTES));
}

function costsOf(figures: readonly CalibrationFigure[]): Partial<Costs> {
  const costs: Partial<Record<CostKey, number>> = {};
  const known = figures.filter(({ nanos }) => nanos !== null).sort((a, b) => a.samples - b.samples);
  for (const { cost, nanos } of known) if (nanos !== null) costs[cost] = nanos;
  return costs;
}
