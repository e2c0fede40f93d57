import {
  answerQuestions,
  MACHINES,
  parseFioJobs,
  runStudy,
  studyPage,
  tryMappings,
  tryPlatformOps,
} from '@dmalab/integration';
import { readText } from '../input-file.ts';
import { chooseMachines } from '../machine-file.ts';
import { printJson } from '../output.ts';
import { writeText } from '../output-file.ts';
import { Progress } from '../progress.ts';
import { printStudy } from './print-study.ts';
import type { StudyFlags } from './study.ts';

const DEFAULT_JOB = `[mixed]
rw=randrw
bssplit=4k/70:64k/20:128k/10
size=32m
io_size=8m
iodepth=16
`;

/** One of each kind: what stands between the disk and memory. */
const DEFAULT_MACHINES = ['x86-direct', 'x86-vtd', 'x86-swiotlb'];

/**
 * Runs the workload on the machines with both interfaces, tries on every preset what can be mapped at all, and answers
 * the questions with which the phys-based interface was proposed.
 */
export async function studyCommand(file: string | undefined, { json, machine, report }: StudyFlags): Promise<void> {
  const name = file ?? 'the default workload';
  const jobs = parseFioJobs(file === undefined ? DEFAULT_JOB : await readText(file), name);
  const machines = await chooseMachines(machine ?? DEFAULT_MACHINES);
  const progress = new Progress('study');
  const rows = runStudy(jobs, machines, { onProgress: (share) => progress.show(share) });
  progress.done();
  const tried = new Map([...Object.values(MACHINES), ...machines].map((each) => [each.name, each]));
  const mappings = [...tried.values()].flatMap(tryMappings);
  const platforms = [tryPlatformOps('page'), tryPlatformOps('phys')];
  const answers = answerQuestions(rows, mappings, platforms);
  if (report !== undefined) writeText(report, studyPage(name, rows, machines));
  if (json) {
    printJson({ file: name, jobs: jobs.jobs, withoutEffect: jobs.withoutEffect, rows, mappings, platforms, answers });
  } else {
    printStudy(name, rows, answers);
  }
}
