import type { LogLine } from './log-line.ts';

/** How the machine was set up, as far as the log shows its boot: what advice depends on. */
export interface BootFacts {
  readonly commandLine: string | null;
  /** Whether an IOMMU is in use: the lines about domains are printed without one, too. Null where nothing tells. */
  readonly iommuInUse: boolean | null;
  /** As the kernel prints it (spec I114): `Translated`, `Passthrough` and so on. */
  readonly domainType: string | null;
  /** For translated domains: when a mapping's end reaches the hardware (spec I93). */
  readonly invalidation: 'strict' | 'lazy' | null;
  /** Size of the bounce buffer pool in bytes, as printed when it was mapped (spec S22). */
  readonly poolBytes: number | null;
  readonly poolAreas: number | null;
  /** Guest memory is encrypted, so that every transfer is bounced (spec S101). */
  readonly memoryEncrypted: boolean;
  /** Controllers by name (`nvme0`) to the PCI device that they are. */
  readonly controllers: ReadonlyMap<string, string>;
}

const PCI_FUNCTION = /^nvme (\w+): pci function ([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/;

/** Reads what the boot lines say. Of two boots in one log the later one counts. */
export function readBootFacts(lines: readonly LogLine[]): BootFacts {
  const text = lines.map((line) => line.text).join('\n');
  return {
    commandLine: last(text, /^(?:Kernel c|C)ommand line: (.*)$/gm),
    iommuInUse: iommuInUse(text),
    domainType: last(text, /^iommu: Default domain type: (\w+)/gm),
    invalidation: invalidationPolicy(text),
    poolBytes: poolBytes(text),
    poolAreas: numberOrNull(last(text, /^software IO TLB: area num (\d+)/gm)),
    memoryEncrypted: /Memory encryption is active and system is using DMA bounce buffers/.test(text),
    controllers: controllers(lines),
  };
}

/** Every device behind an IOMMU gets a group (spec I130); the options that switch one off are in spec I113 and S15. */
function iommuInUse(text: string): boolean | null {
  if (/(?:Adding to iommu group|^iommu: Adding device \S+ to group) \d+/m.test(text)) return true;
  const isOff = /^DMAR: IOMMU disabled$|^(?:Kernel c|C)ommand line: .*\b(?:intel_iommu|amd_iommu|iommu)=off\b/m.test(
    text,
  );
  return isOff ? false : null;
}

/** A line can say that a driver forces strict mode after the policy line said lazy (spec I115). */
function invalidationPolicy(text: string): 'strict' | 'lazy' | null {
  if (/batching disallowed due to virtualization|Using strict mode due to virtualization/.test(text)) return 'strict';
  const policy = last(text, /^iommu: DMA domain TLB invalidation policy: (strict|lazy) mode/gm);
  return policy as 'strict' | 'lazy' | null;
}

/** The end that is printed is exclusive (spec S22). */
function poolBytes(text: string): number | null {
  const mapped = [...text.matchAll(/software IO TLB: mapped \[mem (0x[0-9a-f]+)-(0x[0-9a-f]+)\]/g)].at(-1);
  return mapped === undefined ? null : Number(BigInt(mapped[2]) - BigInt(mapped[1]));
}

function controllers(lines: readonly LogLine[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { text } of lines) {
    const match = PCI_FUNCTION.exec(text);
    if (match !== null) found.set(match[1], match[2]);
  }
  return found;
}

function last(text: string, pattern: RegExp): string | null {
  return [...text.matchAll(pattern)].at(-1)?.[1] ?? null;
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** Value of a boot option, the last one given; null where the command line isn't known or doesn't hold it. */
export function bootOption({ commandLine }: BootFacts, name: string): string | null {
  const words = commandLine?.split(/\s+/) ?? [];
  const given = words.filter((word) => word.startsWith(`${name}=`)).at(-1);
  return given === undefined ? null : given.slice(name.length + 1);
}
