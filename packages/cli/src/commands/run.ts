import type { Command } from 'commander';

/** What commander hands to the action. */
export interface RunFlags {
  readonly api?: string;
  /** A trace. */
  readonly calibrate?: string;
  readonly functional?: true;
  readonly iodepth?: string;
  readonly json?: true;
  /** A preset's name or a YAML file. */
  readonly machine: string;
  readonly outputFormat?: string;
  readonly pace?: string;
  readonly perfetto?: string;
  readonly report?: string;
  readonly seed?: string;
}

const DETAILS = `
FILE is a fio job file (its keys: dmalab study --help), the text that blkparse prints, or a trace with block_rq_issue
events (ftrace text or trace.dat); plain, gzip or zstd; - for standard input. Of a trace the reads and writes of its busiest
disk are run, with the same offsets and sizes, in the same order.

The data of every read are compared with what was written there. Time is virtual: each figure behind it stands in
docs/cost-model.md, and a machine's YAML file can set it under "costs". The same run gives the same times.
--calibrate takes what a trace's time stamps say of those figures, prints it, and runs with it; without FILE it only prints.

Examples:
  dmalab run examples/first-light.fio
  dmalab run job.fio --machine x86-vtd-strict --api page
  dmalab run job.fio --calibrate trace.gz
  dmalab run job.fio --machine examples/fast-disk.yaml --output-format=json | jq '.jobs[0].read.iops'
  blkparse -i sda | dmalab run - --pace trace`;

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run a fio job or a block trace on a machine, in virtual time, with every block verified')
    .argument('[FILE]', 'fio job file, blkparse text, or trace; - for standard input')
    .option('--machine <NAME>', 'a preset or a YAML file', 'x86-direct')
    .option('--api <API>', 'mapping interface of the drivers: phys or page (default: as the machine says)')
    .option('--calibrate <TRACE>', 'take costs from the time stamps of a trace')
    .option('--functional', 'keep no time: what happens, not how long it takes')
    .option('--seed <NUMBER>', 'in place of the randseed of every job')
    .option('--pace <PACE>', 'of a trace: depth (as fast as the depth allows) or trace (when the trace has them)')
    .option('--iodepth <NUMBER>', 'of a trace at --pace depth: I/Os in flight (default: 32)')
    .option('--output-format <FORMAT>', 'normal or json, as fio prints them')
    .option('--report <FILE>', 'write it as a page with charts, which opens and prints without a server')
    .option('--perfetto <FILE>', 'write CPUs, I/Os and disk over time, as JSON that ui.perfetto.dev opens')
    .option('--json', 'everything as data, under our own names')
    .addHelpText('after', DETAILS)
    .action(async (file: string | undefined, flags: RunFlags) => {
      const { runCommand } = await import('./run-workload.ts');
      await runCommand(file, flags);
    });
}
