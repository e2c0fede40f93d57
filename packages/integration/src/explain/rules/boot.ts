import type { Severity } from '../explanation.ts';
import { deviceName, type Parts, present, type Rule } from '../rule.ts';

/** A boot line in one row: how the machine is set up. Named groups become fields. */
interface BootLine {
  readonly id: string;
  readonly pattern: RegExp;
  readonly says: string;
  readonly basis: readonly string[];
  readonly severity?: Severity;
  readonly causes?: readonly string[];
  readonly next?: readonly string[];
}

const LINES: readonly BootLine[] = [
  {
    id: 'boot-domain-type',
    pattern: /^iommu: Default domain type: (?<type>\w+)(?<fromCommandLine> \(set via kernel command line\))?/,
    says: 'what devices get by default: Translated (addresses of their own) or Passthrough (physical addresses, all memory in reach)',
    basis: ['I112', 'I113', 'I114'],
  },
  {
    id: 'boot-invalidation',
    pattern:
      /^iommu: DMA domain TLB invalidation policy: (?<policy>strict|lazy) mode(?<fromCommandLine> \(set via kernel command line\))?/,
    says: 'when the end of a mapping reaches the hardware: at once (strict), or some milliseconds later together with others (lazy)',
    basis: ['I93', 'I114', 'I225'],
  },
  {
    id: 'boot-forced-strict',
    pattern: /^(?:DMAR: IOMMU batching disallowed|AMD-Vi: Using strict mode) due to virtualization/,
    says: 'the IOMMU is emulated, so the driver uses strict mode, whatever the policy line says',
    basis: ['I115'],
  },
  {
    id: 'boot-forced-dac',
    pattern: /^(?:PCI-DMA: )?Forcing DAC for PCI devices/,
    says: 'devices get IO virtual addresses above 4 GiB at once (iommu.forcedac)',
    basis: ['I113'],
  },
  {
    id: 'boot-vtd-on',
    pattern: /^(?:DMAR|Intel-IOMMU): (?:IOMMU )?enabled$/,
    says: 'VT-d translation is asked for',
    basis: ['I113'],
  },
  {
    id: 'boot-vtd-off',
    pattern: /^DMAR: IOMMU disabled$/,
    says: 'VT-d translation is switched off (intel_iommu=off)',
    basis: ['I113'],
  },
  {
    id: 'boot-vtd-on',
    pattern: /^DMAR: Intel-IOMMU force enabled due to platform opt in/,
    says: 'firmware asks for VT-d against untrusted devices, and the kernel turns it on',
    basis: ['I126', 'I229'],
  },
  {
    id: 'boot-vtd-broken',
    pattern:
      /^DMAR: \[Firmware Bug\]: No firmware reserved region can cover this RMRR|^DMAR: \[Firmware Bug\]: Your BIOS is broken; bad RMRR/,
    says: 'firmware reserves memory for a device that its own memory map does not reserve',
    severity: 'warning',
    causes: ['a mistake of the firmware tables'],
    next: ['update the firmware'],
    basis: ['I139'],
  },
  {
    id: 'boot-vtd-features',
    pattern: /^DMAR: IOMMU feature (?<feature>\w+) inconsistent/,
    says: 'the IOMMU units of this machine differ in a feature: the kernel uses it only where all have it',
    basis: ['I112'],
  },
  {
    id: 'boot-rmrr',
    pattern: /^DMAR: RMRR base: (?<base>0x\w+) end: (?<end>0x\w+)/,
    says: 'memory that firmware reserves for a device: it stays mapped for that device at its own address',
    basis: ['I139', 'I140'],
  },
  {
    id: 'boot-rmrr-relaxed',
    pattern: /^DMAR: Intel-IOMMU: assuming all RMRRs are relaxable/,
    says: 'a patched kernel drops reserved regions when a device is given to user space',
    severity: 'warning',
    next: ['the device or its firmware may still use the region, and then faults or overwrites memory'],
    basis: ['I139', 'I140'],
  },
  {
    id: 'boot-vtd-units',
    pattern:
      /^DMAR(?:-IR)?: (?:Host address width|DRHD base:|dmar\d+: (?:reg_base_addr|Using Queued)|No (?:ATSR|RMRR|SATC) found|ATSR flags|RHSA base|ANDD device|SATC flags|Intel\(R\) Virtualization Technology|IOAPIC id|HPET id|Queued invalidation will be enabled|Enabled IRQ remapping|x2apic|Initialized Device IOTLB|Setting (?:RMRR|identity map)|\S*ignore_msi)/,
    says: 'the IOMMU units that firmware describes, and how they are set up',
    basis: ['I112'],
  },
  {
    id: 'boot-tables',
    pattern: /^ACPI: (?:Reserving )?(?<table>DMAR|IVRS|IORT|VIOT)\b/,
    says: 'the firmware table that describes the IOMMU units is there',
    basis: ['I112'],
  },
  {
    id: 'boot-amd-firmware',
    pattern:
      /^(?:AMD-Vi: )?\[Firmware Bug\]: ?:? ?(?:AMD-Vi: )?(?:IOAPIC\[\d+\] not in IVRS table|No southbridge IOAPIC found)/,
    says: "firmware's table does not name the interrupt controllers",
    severity: 'warning',
    causes: ['a mistake of the firmware tables'],
    next: ['interrupts are then not remapped; DMA translation is not affected. Update the firmware'],
    basis: ['I177'],
  },
  {
    id: 'boot-amd-units',
    pattern:
      /^(?:pci \S+: |\S+: )?AMD-Vi: (?:Found IOMMU|IOMMU performance|Extended features|Interrupt remapping enabled|Virtual APIC enabled|X2APIC enabled|Disabling interrupt remapping|AMD IOMMUv2|Lazy IO\/TLB|Applying|ivrs|Using global IVHD|V2 page table|Applying erratum)/,
    says: 'the AMD IOMMU units and how they are set up',
    basis: ['I112'],
  },
  {
    id: 'boot-amd-option',
    pattern: /^AMD-Vi: Unknown option - '(?<option>[^']*)'/,
    says: 'amd_iommu= holds a word that the kernel does not know and leaves out; the IOMMU is on without it',
    severity: 'warning',
    next: ['drop the word: amd_iommu=on does not exist'],
    basis: ['I113'],
  },
  {
    id: 'boot-smmu-units',
    pattern:
      /^arm-smmu(?:-v3)? \S+: (?:ias |oas |option |allocated \d+ entries|probing hardware|SMMUv\d with|\d+-bit|stage \d|coherent|non-coherent|msi_domain|using |\t?stream matching|Supported page sizes|preserved|Stage-)/,
    says: 'an SMMU and what it can do',
    basis: ['I112'],
  },
  {
    id: 'boot-group',
    pattern: /^iommu: (?:Adding|Removing) device (?<member>\S+) (?:to|from) group (?<group>\d+)/,
    says: 'a device is placed in its IOMMU group: devices of one group can not be kept apart',
    basis: ['I121', 'I130'],
  },
  {
    id: 'boot-group',
    pattern: /^(?<busOrDriver>[^\s:]+) (?<member>\S+): (?:Adding to|Removing from) iommu group (?<group>\d+)/,
    says: 'a device is placed in its IOMMU group: devices of one group can not be kept apart',
    basis: ['I121', 'I130'],
  },
  {
    id: 'boot-pool',
    pattern: /^software IO TLB: mapped \[mem (?<start>0x[0-9a-f]+)-(?<end>0x[0-9a-f]+)\] \((?<megabytes>\d+)MB\)/,
    says: 'the bounce buffer pool and its size',
    basis: ['S22', 'S19'],
  },
  {
    id: 'boot-pool-areas',
    pattern: /^software IO TLB: area num (?<areas>\d+)/,
    says: 'the bounce buffer pool is divided into this many areas, so that CPUs do not wait for each other',
    basis: ['S12', 'S13'],
  },
  {
    id: 'boot-pool-size',
    pattern:
      /^(?:software IO TLB: )?SWIOTLB bounce buffer size (?:roundup to (?<megabytes>\d+)MB|adjusted (?:to (?<encryptedMegabytes>\d+)MB|(?<wanted>\d+) -> (?<slots>\d+) slabs))/,
    says: 'the size of the pool was changed: rounded to a power of two, set for encrypted memory, or lowered to what memory allows',
    basis: ['S12', 'S17', 'S18'],
  },
  {
    id: 'boot-pool-failed',
    pattern:
      /^(?:software IO TLB: )?(?:swiotlb_\w+: Failed to allocate (?<bytes>\d+) bytes|No low mem|only able to allocate (?<megabytes>\d+) MB|Failed to allocate new pool|Failed to decrypt default memory pool|Cannot allocate buffer)/,
    says: 'the bounce buffer pool could not be made as asked, or at all',
    severity: 'warning',
    causes: ['no free memory in one piece below 4 GiB of that size, or swiotlb=noforce'],
    next: ['ask for a smaller pool: swiotlb=N in slots of 2 KiB'],
    basis: ['S15', 'S18', 'S21', 'S101'],
  },
  {
    id: 'boot-pool-released',
    pattern: /^software IO TLB: tearing down default memory pool/,
    says: 'nothing on this machine needs the pool: it is given back',
    basis: ['S22'],
  },
  {
    id: 'boot-bouncing',
    pattern:
      /^PCI-DMA: Using software bounce buffering for IO \(SWIOTLB\)|^(?:Placing \d+MB software IO TLB between|software IO TLB at phys)/,
    says: 'a bounce buffer pool is ready for devices that can not reach all memory',
    basis: ['S15', 'S22'],
  },
  {
    id: 'boot-encrypted',
    pattern: /^(?:software IO TLB: |\S+ \S+: )?Memory encryption is active and system is using DMA bounce buffers/,
    says: 'memory is encrypted: devices see only the bounce buffers',
    basis: ['S17', 'S101'],
  },
  {
    id: 'boot-dma-debug',
    pattern: /^DMA-API: (?:debugging|preallocated)/,
    says: 'dma-debug is built in',
    basis: ['D79', 'D83'],
  },
  {
    id: 'boot-atomic-pool',
    pattern: /^DMA: preallocated (?<kib>\d+) KiB (?<zone>\S+) pool for atomic allocations/,
    says: 'memory set aside for coherent allocations in interrupts',
    basis: ['P50'],
  },
  {
    id: 'boot-nvme',
    pattern: /^nvme (?<controller>nvme\d+): pci function (?<pci>\S+)/,
    says: 'the name of an NVMe controller and the PCI device that it is',
    basis: ['N94'],
  },
  {
    id: 'boot-command-line',
    pattern:
      /^(?:Kernel c|C)ommand line: (?<commandLine>.*\b(?:iommu|intel_iommu|amd_iommu|swiotlb|coherent_pool|dma_debug|disable_acs_redir|config_acs|noats)\b.*)$/,
    says: 'the boot options, some of them about DMA',
    basis: ['I113', 'S11', 'T46'],
  },
];

/** How the machine is set up. */
export const BOOT_RULES: readonly Rule[] = LINES.map((line) => ({
  id: line.id,
  family: 'boot',
  pattern: line.pattern,
  account: ({ fromCommandLine, member, pci, ...parts }) => ({
    device: null,
    severity: line.severity ?? 'info',
    says: line.says,
    fields: present({
      ...numbers(parts),
      device: member === undefined && pci === undefined ? undefined : deviceName((member ?? pci)!),
      ...(fromCommandLine !== undefined && { fromCommandLine: true }),
    }),
    causes: line.causes ?? [],
    next: line.next ?? [],
    basis: line.basis,
  }),
}));

/** Decimal figures as numbers. */
function numbers(parts: Parts): Record<string, string | number | undefined> {
  return Object.fromEntries(
    Object.entries(parts).map(([name, text]) => [name, text !== undefined && /^\d+$/.test(text) ? Number(text) : text]),
  );
}
