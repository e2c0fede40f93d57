import type { Command } from 'commander';

/** What commander hands to the action. */
export interface ExplainFlags {
  readonly all?: true;
  readonly json?: true;
}

const DETAILS = `
FILE is a kernel log as dmesg, journalctl, syslog or a bug report shows it, plain, gzip or zstd; - for standard input.
Time stamps, levels and host names in front of the lines are taken off.

Explained: faults of VT-d, AMD-Vi, SMMUv3 and virtio-iommu; full or missing bounce buffers; masks that are too narrow;
dma-debug's findings; refused peer-to-peer transfers; NVMe timeouts and I/O errors, tied to the fault before them.
Boot lines about the IOMMU and the bounce buffers are read too: the advice depends on them, so give the whole log.
Lines that seem to concern DMA and that no rule knows are counted and listed.

Examples:
  dmesg | dmalab explain -
  journalctl -k -b -1 | dmalab explain - --all
  dmalab explain dmesg.txt --json`;

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('say what the lines of a kernel log about DMA mean, what likely caused them, and what to do next')
    .argument('<FILE>', 'kernel log, plain or packed; - for standard input')
    .option('--all', 'every cause, every step, and the lines about the set-up of the machine')
    .option('--json', 'everything as data: decoded fields and place of each line')
    .addHelpText('after', DETAILS)
    .action(async (file: string, flags: ExplainFlags) => {
      const { runExplain } = await import('./run-explain.ts');
      await runExplain(file, flags);
    });
}
