import type { DumpRoot } from './dump-topology.ts';

const VENDOR_AMD = 0x1022;

/** Root complexes of AMD CPUs of family 17h and later, by device id (public PCI id list). */
const ZEN_ROOTS: readonly number[] = [0x1450, 0x1480, 0x14a4, 0x14b5, 0x14d8, 0x14e8, 0x1507, 0x153a, 0x15d0, 0x1630];

/** The same by what lspci calls them, for dumps without ids. */
const ZEN_NAMES =
  /AMD.*(Family 1[7-9a-f]h|Starship|Matisse|Raven|Renoir|Cezanne|Rembrandt|Raphael|Phoenix|Genoa|Turin|Strix)/;

/** Whether a root bus belongs to such a CPU: the kernel asks the CPU itself (spec T39.5), a dump has only its bridges. */
export function isZenRoot({ functions }: DumpRoot): boolean {
  return functions.some(
    ({ dump }) => (dump.vendor === VENDOR_AMD && ZEN_ROOTS.includes(dump.device)) || ZEN_NAMES.test(dump.text),
  );
}
