/**
 * What a range of the address map is (spec P5).
 *
 * | kind | example in `/proc/iomem` |
 * | --- | --- |
 * | `ram` | `System RAM` |
 * | `kernel` | `Kernel code`: RAM that is never free (spec P6) |
 * | `boot-reserved` | `Crash kernel`: RAM taken before the page allocator saw it |
 * | `reserved` | `Reserved`: the firmware's |
 * | `acpi` | `ACPI Tables` |
 * | `pci-window` | `PCI Bus 0000:00` |
 * | `bar` | `0000:00:03.0` |
 * | `ecam` | `PCI ECAM 0000 [bus 00-ff]` |
 * | `rom` | `Video ROM` |
 * | `pmem` | `Persistent Memory` |
 * | `device` | `IOAPIC 0`, `HPET 0`, and every name that is none of the others |
 */
export type AddressKind =
  | 'ram'
  | 'kernel'
  | 'boot-reserved'
  | 'reserved'
  | 'acpi'
  | 'pci-window'
  | 'bar'
  | 'ecam'
  | 'rom'
  | 'pmem'
  | 'device';

const KIND_OF_NAME: readonly (readonly [RegExp, AddressKind])[] = [
  [/^System RAM/, 'ram'],
  [/^Kernel (code|rodata|data|bss)$/, 'kernel'],
  [/^Crash kernel/, 'boot-reserved'],
  [/^(reserved|RAM buffer|Unusable memory|Unknown E820 type)$/i, 'reserved'],
  [/^ACPI /, 'acpi'],
  [/^PCI Bus [0-9a-f]{4,}:[0-9a-f]{2}$/, 'pci-window'],
  [/^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/, 'bar'],
  [/^PCI (ECAM|MMCONFIG) /, 'ecam'],
  [/ ROM$/, 'rom'],
  [/^Persistent Memory/, 'pmem'],
];

/** The kind that a name in `/proc/iomem` stands for. */
export function kindOfName(name: string): AddressKind {
  for (const [pattern, kind] of KIND_OF_NAME) if (pattern.test(name)) return kind;
  return 'device';
}

/**
 * What the start of a range must be a multiple of. RAM needs nothing: the walk over it shrinks to whole pages (spec
 * P7). A window ends on pages, ECAM gives each bus 1 MiB, and no memory BAR is smaller than 16 bytes.
 */
export function alignmentOf(kind: AddressKind): number {
  if (kind === 'pci-window') return 4096;
  if (kind === 'ecam') return 2 ** 20;
  return kind === 'bar' ? 16 : 1;
}
