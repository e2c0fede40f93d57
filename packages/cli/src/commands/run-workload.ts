import { basename } from 'node:path';
import {
  bringUp,
  buildMachine,
  type Calibration,
  type Costs,
  calibrate,
  fioJson,
  type MachineDescription,
  planBlockIos,
  planJobs,
  runPage,
  SpanLog,
  settleCosts,
  type TimedResult,
  TimedRun,
  timedSummary,
  type WorkloadPlan,
  type WorkloadResult,
  WorkloadRunner,
  withRoomFor,
} from '@dmalab/integration';
import { chooseMachines } from '../machine-file.ts';
import { printJson } from '../output.ts';
import { PieceFile, writeText } from '../output-file.ts';
import { Progress } from '../progress.ts';
import { readTraceFile } from '../trace-file.ts';
import { UserError } from '../user-error.ts';
import { version } from '../version.ts';
import { readWorkloadFile, type WorkloadFile } from '../workload-file.ts';
import { printCalibration, printFunctional, printTimed } from './print-run.ts';
import type { RunFlags } from './run.ts';

const EVENTS_BETWEEN_PROGRESS = 5000;
const MOST_IN_FLIGHT = 1023;
const MOST_SEED = 2 ** 32 - 1;

/** Runs the workload of a file, in virtual time or without, and prints what came out. */
export async function runCommand(file: string | undefined, flags: RunFlags): Promise<void> {
  checkFlags(flags);
  const calibration = flags.calibrate === undefined ? null : await calibrateFrom(flags.calibrate, flags);
  if (file === undefined) {
    if (calibration === null) throw new UserError('run', 'nothing to run', 'name a job file, or a trace');
    if (flags.json) printJson(calibration);
    else printCalibration(calibration);
    return;
  }
  const work = withSeed(await readWorkloadFile(file), flags.seed);
  const machine = withCosts(await chooseMachine(flags, work), calibration);
  const plan = planWork(work, machine, flags);
  if (flags.functional) {
    const done = runFunctional(machine, plan);
    if (flags.json) printJson({ file, ...skippedOf(work), machine: machine.name, api: machine.era, ...done });
    else printFunctional(file, machine, done);
    return;
  }
  if (calibration !== null && !wantsData(flags)) printCalibration(calibration);
  const result = runTimed(machine, plan, flags.perfetto);
  if (flags.report !== undefined) writeText(flags.report, runPage(basename(file), result, machine));
  printResult(file, work, result, settleCosts(machine.costs), flags);
}

async function calibrateFrom(trace: string, { functional }: RunFlags): Promise<Calibration> {
  if (functional) throw new UserError('--calibrate', 'is about time, and --functional keeps none', 'leave one out');
  return calibrate((await readTraceFile(trace)).log);
}

function withCosts(machine: MachineDescription, calibration: Calibration | null): MachineDescription {
  return { ...machine, costs: { ...calibration?.costs, ...machine.costs } };
}

function wantsData({ json, outputFormat }: RunFlags): boolean {
  return json === true || outputFormat === 'json';
}

function checkFlags({ api, functional, json, outputFormat, pace, perfetto, report }: RunFlags): void {
  oneOf('--api', api, ['phys', 'page']);
  oneOf('--output-format', outputFormat, ['normal', 'json']);
  oneOf('--pace', pace, ['depth', 'trace']);
  const timed = {
    '--output-format': outputFormat,
    '--pace trace': pace === 'trace' || undefined,
    '--perfetto': perfetto,
    '--report': report,
  };
  const [aboutTime] = Object.entries(timed).find(([, value]) => value !== undefined) ?? [];
  if (functional && aboutTime !== undefined) {
    throw new UserError(aboutTime, 'is about time, and --functional keeps none', 'leave one of them out');
  }
  if (json && outputFormat !== undefined) throw new UserError('--json', 'stands beside --output-format', 'choose one');
}

function oneOf(flag: string, value: string | undefined, values: readonly string[]): void {
  if (value === undefined || values.includes(value)) return;
  throw new UserError(`${flag} ${value}`, 'is not possible', `write one of ${values.join(', ')}`);
}

function number(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UserError(`${flag} ${text}`, 'is no such number', `give ${least} to ${most}`);
}

function withSeed(work: WorkloadFile, seed: string | undefined): WorkloadFile {
  if (seed === undefined) return work;
  if (work.kind !== 'fio') throw new UserError('--seed', 'draws nothing: a trace says all', 'leave it out');
  const drawn = number('--seed', seed, 0, MOST_SEED);
  return { ...work, jobs: { ...work.jobs, jobs: work.jobs.jobs.map((job) => ({ ...job, seed: drawn })) } };
}

async function chooseMachine({ machine, api }: RunFlags, work: WorkloadFile): Promise<MachineDescription> {
  const [chosen, ...others] = await chooseMachines([machine]);
  if (others.length > 0)
    throw new UserError('--machine all', 'is more than one', 'name one; dmalab study compares them');
  const roomy = work.kind === 'fio' ? chosen : withRoomFor(chosen, work.ios);
  return api === 'page' || api === 'phys' ? { ...roomy, era: api } : roomy;
}

function planWork(
  work: WorkloadFile,
  { diskBytes }: MachineDescription,
  { pace, iodepth, functional }: RunFlags,
): WorkloadPlan {
  if (work.kind === 'fio') {
    if (pace === undefined && iodepth === undefined) return planJobs(work.jobs, diskBytes, !functional);
    throw new UserError(
      pace === undefined ? '--iodepth' : '--pace',
      'is for traces',
      'write iodepth= into the job file',
    );
  }
  return planBlockIos(work.ios, {
    pace: pace === 'trace' ? 'trace' : 'depth',
    ...(iodepth !== undefined && { depth: number('--iodepth', iodepth, 1, MOST_IN_FLIGHT) }),
  });
}

function runFunctional(machine: MachineDescription, plan: WorkloadPlan): WorkloadResult {
  const runner = new WorkloadRunner(bringUp(buildMachine(machine)), plan);
  const progress = new Progress('run');
  while (runner.round()) progress.show(runner.progress);
  progress.done();
  return runner.finish();
}

/** @param timeline file for what happened when */
function runTimed(machine: MachineDescription, plan: WorkloadPlan, timeline: string | undefined): TimedResult {
  const run = new TimedRun(machine, plan);
  const file = timeline === undefined ? null : new PieceFile(timeline);
  const spans = new SpanLog();
  if (file !== null) run.record(spans);
  const progress = new Progress('run');
  while (run.advance(EVENTS_BETWEEN_PROGRESS)) progress.show(run.progress);
  progress.done();
  if (file !== null) spans.writeChromeTrace((text) => file.write(text));
  file?.close();
  return run.finish();
}

function printResult(file: string, work: WorkloadFile, result: TimedResult, costs: Costs, flags: RunFlags): void {
  const jobs = work.kind === 'fio' ? work.jobs.jobs : [];
  const isGrouped = jobs.some((job) => job.isGrouped);
  if (flags.json) printJson({ file, ...skippedOf(work), ...timedSummary(result), costs });
  else if (flags.outputFormat === 'json') printJson(fioJson(result, jobs, { isGrouped, version: version() }));
  else printTimed(file, work, result, isGrouped);
}

/** What a workload file held besides, and is not run. */
function skippedOf(work: WorkloadFile) {
  return work.kind === 'fio' ? { withoutEffect: work.jobs.withoutEffect } : { skipped: work.ios.skipped };
}
