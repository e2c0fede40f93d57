import type { Command } from 'commander';

/** What commander hands to the action. */
export interface DiffFlags {
  readonly qemu?: string;
  readonly record?: string;
  readonly json?: true;
}

const DETAILS = `
FILE is a text, plain or gzip, - for standard input. It begins with "unit vtd", "unit vtd-scalable" or "unit smmuv3" (whose
registers it speaks of), then has an operation a line; # begins a comment, numbers are decimal or 0x-hex:
  readl OFFSET             a register of the unit, compared
  writel OFFSET VALUE
  read ADDRESS LENGTH      bytes of memory, compared
  write ADDRESS BYTES      in hex, two digits each
  dma 00:04.0 r IOVA       the device takes 512 bytes from there, compared: zeros where it is blocked
  dma 00:04.0 w IOVA       it puts 512 bytes there: the number of the line, over and over
  clock NANOSECONDS        lets time pass

RAM begins at 0 (vtd) or 0x40000000 (smmuv3) and has 64 MiB; QEMU and the devices keep what is below 0x1000000 there.
--record runs our driver on QEMU and prints what it did: something to begin with.

Stops at the first step that answers differently, unless QEMU is known to (docs/qemu-differences.md).
Exit code 1: a difference was found. Exit code 2: no QEMU of 7.2 or newer, or a line that can't be used.

Examples:
  dmalab diff --record vtd > start.txt
  dmalab diff start.txt
  dmalab diff start.txt --qemu /opt/qemu/bin/qemu-system-x86_64 --json`;

export function addDiff(program: Command): void {
  program
    .command('diff')
    .description('play register and memory operations on our IOMMU model and on QEMU, and show where they part')
    .argument('[FILE]', 'a sequence of operations')
    .option('--record <UNIT>', 'print a sequence instead: vtd, vtd-scalable or smmuv3')
    .option('--qemu <PROGRAM>', 'which QEMU; default: the one for the unit on the search path')
    .option('--json', 'the same as data')
    .addHelpText('after', DETAILS)
    .action(async (file: string | undefined, flags: DiffFlags) => {
      const { runDiffCommand } = await import('./run-diff.ts');
      await runDiffCommand(file, flags);
    });
}
