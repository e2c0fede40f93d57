import {
  MACHINE_DEFAULTS,
  type MachineDescription,
  type PeerMemoryDescription,
  PLAIN_NVME,
} from './machine-description.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

const ON_SWITCH = { ...PLAIN_NVME, attachment: 'switch' } as const;
const ON_ROOT_PORT = { ...PLAIN_NVME, attachment: 'root-port' } as const;
const GPU: PeerMemoryDescription = { kind: 'peer-memory', attachment: 'switch', barBytes: 16 * MIB, hasPages: true };

/** Every preset is `x86-direct` but for what stands in its row. */
const DIFFERENCES: Readonly<Record<string, Partial<MachineDescription>>> = {
  'x86-direct': {},
  'x86-vtd': { iommu: 'lazy' },
  'x86-vtd-strict': { iommu: 'strict' },
  'x86-vtd-pt': { iommu: 'passthrough' },
  'x86-vtd-scalable': { iommu: 'lazy', iommuMode: 'scalable' },
  'x86-amd': { iommu: 'lazy', iommuKind: 'amd', forwardsPeers: true },
  // RAM where QEMU's virt machine has it; bounce pools and caches are those of any coherent SoC.
  riscv: { platform: 'arm64', ramStart: 2 * GIB, iommu: 'lazy', iommuKind: 'riscv' },
  'arm-smmuv3': { platform: 'arm64', ramStart: GIB, iommu: 'lazy', iommuKind: 'smmuv3' },
  'x86-swiotlb': { commandLine: 'swiotlb=force' },
  'sev-guest': { confidential: 'sev' },
  'tdx-guest': { confidential: 'tdx' },
  'cca-realm': { platform: 'arm64', ramStart: GIB, confidential: 'cca' },
  // 32 address bits with three quarters of the memory above them: those buffers bounce (spec S24b).
  'x86-32bit': { memoryBytes: 8 * GIB, devices: [{ ...PLAIN_NVME, busAddressBits: 32 }] },
  'soc-noncoherent': { platform: 'arm64', coherent: false },
  'soc-high-ram': { platform: 'arm64', ramStart: 2 * GIB, coherent: false },
  'nvme-switch': { devices: [ON_SWITCH, ON_SWITCH] },
  'nvme-root-ports': { iommu: 'strict', devices: [ON_ROOT_PORT, ON_ROOT_PORT] },
  'gpu-peer': { devices: [ON_SWITCH, GPU] },
  // Descriptors for it would take 256 MiB.
  'gpu-large-bar': { devices: [ON_SWITCH, { ...GPU, barBytes: 16 * GIB, hasPages: false }] },
  // The ports redirect because of the IOMMU, and the CPU sends it down again (spec T45, T39).
  'gpu-peer-vtd': { iommu: 'strict', forwardsPeers: true, devices: [ON_SWITCH, GPU] },
};

/** Machines by name: the ways in which a device's DMA reaches memory, and its peers, each with an NVMe disk. */
export const MACHINES: Readonly<Record<string, MachineDescription>> = Object.fromEntries(
  Object.entries(DIFFERENCES).map(([name, difference]) => [name, { ...MACHINE_DEFAULTS, ...difference, name }]),
);
