import type { Command } from 'commander';

/** What commander hands to the action. */
export interface WalkFlags {
  readonly iommu: string;
  readonly registers: string;
  readonly device?: string;
  readonly iova?: string;
  readonly expected?: string;
  readonly dump?: true;
  readonly json?: true;
}

const DETAILS = `
DUMP is physical memory: an ELF core (vmcore, dump-guest-memory) or a raw image from address 0, plain or gzip.
REGISTERS is JSON with the unit's registers as hex strings, bare or under "registers":
  vtd     rtaddr, cap, ecap, gsts
  amd     devtab (or device_table, 0x0000), and control (or 0x0018) if known
  smmuv3  strtab_base, strtab_base_cfg, cr0, idr0, idr1, idr5
  riscv   ddtp (or 0x10) and capabilities (or caps, 0x0)

Without --device, lists the devices that the tables know. With it: --iova shows the way to one address, entry by entry;
--dump lists all that the device can reach. --expected checks every 4 KiB page of a list of mappings:
  { "mappings": [{ "device": "0000:00:02.0", "iova": "0xfff73000", "phys": "0x8f9e000", "size": 4096 }] }

Exit code 1: --expected found a page that goes elsewhere. Exit code 2: the input lacks something; the message names it.

Examples:
  dmalab walk vmcore --iommu vtd --registers regs.json --device 00:02.0 --iova 0xfff73000
  dmalab walk vmcore.gz --iommu vtd --registers regs.json --expected live.json --json`;

export function addWalk(program: Command): void {
  program
    .command('walk')
    .description('say what a device sees at an address, from the IOMMU tables in a memory dump')
    .argument('<DUMP>', 'ELF core or raw image, plain or gzip')
    .requiredOption('--registers <FILE>', "the unit's registers")
    .option('--iommu <KIND>', 'whose tables: vtd, amd, smmuv3 or riscv', 'vtd')
    .option('--device <BDF>', 'the device, as in 00:02.0')
    .option('--iova <ADDRESS>', 'the address that it sends, in hex')
    .option('--expected <FILE>', 'mappings that should be in the tables')
    .option('--dump', 'list every mapping of the device')
    .option('--json', 'the same as data')
    .addHelpText('after', DETAILS)
    .action(async (file: string, flags: WalkFlags) => {
      const { runWalk } = await import('./run-walk.ts');
      await runWalk(file, flags);
    });
}
