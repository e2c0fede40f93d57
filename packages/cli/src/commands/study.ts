import type { Command } from 'commander';

/** What commander hands to the action. */
export interface StudyFlags {
  readonly json?: true;
  /** Names of presets, `all`, or YAML files. */
  readonly machine?: readonly string[];
  readonly report?: string;
}

const DETAILS = `
JOB is a fio job file. Its keys: rw, bs, bssplit, size, io_size, offset, iodepth, rwmixread, rwmixwrite, numjobs,
randseed, loops, number_ios, stonewall, group_reporting; with time also startdelay, runtime, time_based, thinktime,
rate_iops and hipri. ioengine, direct=1, filename, thread, verify and the like are accepted and mean nothing here.
Any other key is an error. Every block that is read is compared with what was written there.

A YAML machine starts from a preset and says what is different; examples/gpu-workstation.yaml shows how, and
@dmalab/integration/machine.schema.json is its JSON Schema.
After the table come the questions with which the phys-based API was proposed, each with its figures; what can be mapped
at all is tried on every preset.

Examples:
  dmalab study examples/first-light.fio
  dmalab study job.fio --machine x86-vtd-strict --machine sev-guest
  dmalab study job.fio --machine all --json
  dmalab study job.fio --machine examples/gpu-workstation.yaml`;

const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export function addStudy(program: Command): void {
  program
    .command('study')
    .description('run a workload on every machine through the page-based and the phys-based mapping API, and compare')
    .argument('[JOB]', 'fio job file; - for standard input (default: a small mixed workload)')
    .option('--report <FILE>', 'write it as a page with charts, which opens and prints without a server')
    .option(
      '--machine <NAME>',
      'a preset, all, or a YAML file; may be repeated (default: direct, VT-d, SWIOTLB)',
      repeated,
    )
    .option('--json', 'the same as data')
    .addHelpText('after', DETAILS)
    .action(async (file: string | undefined, flags: StudyFlags) => {
      const { studyCommand } = await import('./run-study.ts');
      await studyCommand(file, flags);
    });
}
