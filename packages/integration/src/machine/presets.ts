import type { MachineDescription } from './machine-description.ts';

const MIB = 2 ** 20;

const COMMON = {
  memoryBytes: 1024 * MIB,
  cpus: 1,
  iommu: 'off',
  commandLine: '',
  diskBytes: 64 * MIB,
  era: 'phys',
} as const satisfies Partial<MachineDescription>;

/** Machines by name: the three ways in which a device's DMA reaches memory, each as a 1 GiB x86 machine with an NVMe disk. */
export const MACHINES: Readonly<Record<string, MachineDescription>> = {
  'x86-direct': { ...COMMON, name: 'x86-direct' },
  'x86-vtd': { ...COMMON, name: 'x86-vtd', iommu: 'lazy' },
  'x86-swiotlb': { ...COMMON, name: 'x86-swiotlb', commandLine: 'swiotlb=force' },
};
