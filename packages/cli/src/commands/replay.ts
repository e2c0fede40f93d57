import type { Command } from 'commander';

/** What commander hands to the action. */
export interface ReplayFlags {
  /** A preset's name or a YAML file. */
  readonly as?: string;
  readonly boot?: string;
  readonly check?: true;
  /** Digits, still to be checked. */
  readonly dmaMask?: string;
  readonly json?: true;
  readonly nvme?: true;
  readonly perfetto?: string;
  readonly report?: string;
  /** Digits or `all`, still to be checked. */
  readonly window?: string;
}

const DETAILS = `
TRACE is what /sys/kernel/tracing/trace holds, or a trace.dat of trace-cmd; plain, gzip or zstd; - for standard input.
Useful events:
  dma:*  iommu:map  iommu:unmap  swiotlb:*  nvme:*  block:block_rq_*

The replay drives the model's own allocators with the requests that the trace shows and compares every address that
they hand out with the one that the kernel handed out. Residuals are listed, not hidden.

A trace may be longer than memory. Allocators have to be followed from their start, so the replay takes the first events;
all others are summed up and checked by dma-debug, and the answer says where it stopped. --window moves that place.

MACHINE is a preset (any other name lists them) or a YAML file with the values in which it differs from its "preset":
  name: larger-pool
  preset: x86-swiotlb
  commandLine: swiotlb=65536,8,force

Examples:
  dmalab replay examples/linux-7.3-vtd-lazy.trace.gz
  dmalab replay trace.gz --as x86-vtd-strict
  dmalab replay trace.gz --boot dmesg.txt --report trace.html
  dmalab replay trace.gz --boot dmesg.txt --json`;

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('say what a DMA trace of a real kernel holds, and how far the model agrees with it')
    .argument('<TRACE>', 'trace text or trace.dat, plain or packed; - for standard input')
    .option('--boot <FILE>', "that boot's kernel log: pool geometry, command line, IOMMU mode")
    .option('--nvme', "give the trace's I/O to the model's NVMe driver and controller, and compare each command")
    .option('--check', 'exit with 1 when the model disagrees or dma-debug finds something')
    .option('--as <MACHINE>', 'give the same requests to another machine too: a preset, or a YAML file')
    .option('--dma-mask <BITS>', 'with --as: address bits that devices reach there (default: as in the trace)')
    .option('--report <FILE>', 'write it as a page with plots over time, which opens and prints without a server')
    .option('--perfetto <FILE>', 'write the events as a timeline for ui.perfetto.dev: CPUs, devices, queues, IOMMU')
    .option(
      '--window <EVENTS>',
      'replay so many events from the start, or all; later ones are counted (default: 65536)',
    )
    .option('--json', 'the same as data')
    .addHelpText('after', DETAILS)
    .action(async (file: string, flags: ReplayFlags) => {
      const { runReplay } = await import('./run-replay.ts');
      await runReplay(file, flags);
    });
}
