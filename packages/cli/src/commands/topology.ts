import type { Command } from 'commander';

/** What commander hands to the action. */
export interface TopologyFlags {
  readonly iommu?: string;
  readonly acsRedirOff?: string;
  readonly json?: true;
  readonly report?: string;
}

const DETAILS = `
FILE is the output of lspci, plain or gzip, - for standard input: -vvv (best as root, with -nn), -xxxx, -tv, or several
flags at once; or a description in JSON (see the README of @dmalab/pci-p2p).

Draws the tree, then a matrix: rows provide memory (a BAR), columns are clients. For each kind of pair: the path, what
the phys API and the page API do, why it is not direct, and what would change that. A question mark, and a line
"unknown", say that the answer rests on something that the dump does not show.

Without --iommu, ACS is taken as the dump shows it; with it, as a kernel booted so would set it.

Exit code 2: the input can't be read; the message names the line.

Examples:
  lspci -nnvvv | dmalab topology -
  dmalab topology lspci.txt --iommu on --acs-redir-off '02:08.0;02:10.0' --json`;

export function addTopology(program: Command): void {
  program
    .command('topology')
    .description('say which PCI devices of a machine can talk peer to peer, how, and why not')
    .argument('<FILE>', 'output of lspci, or a description')
    .option('--iommu <STATE>', 'on or off: ACS as after such a boot')
    .option('--acs-redir-off <LIST>', 'as if booted with pci=disable_acs_redir=LIST')
    .option('--report <FILE>', 'write it as a page with the machine drawn, which opens and prints without a server')
    .option('--json', 'the same as data')
    .addHelpText('after', DETAILS)
    .action(async (file: string, flags: TopologyFlags) => {
      const { runTopology } = await import('./run-topology.ts');
      await runTopology(file, flags);
    });
}
