import type { DmaEra } from '@dmalab/dma-api';
import type { Costs } from '../time/costs/cost-table.ts';
import { MachineDescriptionError } from './description-error.ts';
import type { IommuKind } from './parts/iommu-models.ts';

/** What stands between a device and memory. */
export type IommuPolicy = 'off' | 'passthrough' | 'strict' | 'lazy';

/** Where a device is plugged in: in the root complex, below a root port of its own, or on the one switch. */
export type Attachment = 'root-bus' | 'root-port' | 'switch';

/** What keeps a guest's memory from its host: AMD SEV, Intel TDX, or an Arm CCA realm (spec P60). */
export type ConfidentialKind = 'none' | 'sev' | 'tdx' | 'cca';

/** An NVMe disk of the machine's `diskBytes`. */
export interface NvmeDescription {
  readonly kind: 'nvme';
  readonly attachment: Attachment;
  /** Address bits that the bus below the disk carries; the disk itself has 52. */
  readonly busAddressBits: number;
}

/** A device that offers memory to its peers, as a GPU does: BAR 2. */
export interface PeerMemoryDescription {
  readonly kind: 'peer-memory';
  readonly attachment: Attachment;
  /** A power of two, 2 MiB to 64 GiB; it takes up only what is written to it. */
  readonly barBytes: number;
  /** Its driver registered page descriptors for the memory; without them only physical addresses name it. */
  readonly hasPages: boolean;
}

export type DeviceDescription = NvmeDescription | PeerMemoryDescription;

/** A machine in words: what {@link buildMachine} builds. */
export interface MachineDescription {
  /** What tables and messages call it. */
  readonly name: string;
  /** Whose rules for bounce pools and caches its kernel follows. */
  readonly platform: 'x86' | 'arm64';
  /** A multiple of 1 MiB, at least 64 MiB. */
  readonly memoryBytes: number;
  /** Where RAM begins: 0 for the address map of a q35; a SoC's RAM is one piece from 1 GiB or higher up. */
  readonly ramStart: number;
  readonly cpus: number;
  /** Devices see what CPU caches hold. Where they don't, maps and unmaps maintain the caches (spec P71). */
  readonly coherent: boolean;
  /** A guest whose memory devices can't read unless it is shared with them (spec P60 to P66). */
  readonly confidential: ConfidentialKind;
  /** How its kernel uses its IOMMU; `off` for a machine without one. */
  readonly iommu: IommuPolicy;
  /** Whose IOMMU it is: Intel's VT-d, AMD-Vi, Arm's SMMUv3, or RISC-V's. */
  readonly iommuKind: IommuKind;
  /** Of VT-d: legacy mode with second-stage tables, or scalable mode with first-stage tables. */
  readonly iommuMode: 'legacy' | 'scalable';
  /** The CPU passes peer requests on between root ports, as AMD's from family 17h on do (spec T39). */
  readonly forwardsPeers: boolean;
  /** Of the kernel's command line: `swiotlb=` (spec S11) and `pci=disable_acs_redir=` (spec T46). */
  readonly commandLine: string;
  /** Bytes on each NVMe disk, a multiple of 512. */
  readonly diskBytes: number;
  /** What is plugged in. Workloads run on the first disk. */
  readonly devices: readonly DeviceDescription[];
  /** Which mapping interface its drivers were written against. */
  readonly era: DmaEra;
  /** Where it is faster or slower than docs/cost-model.md says. */
  readonly costs: Partial<Costs>;
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** A disk as it comes: below nothing, and reaching everything. */
export const PLAIN_NVME: NvmeDescription = { kind: 'nvme', attachment: 'root-bus', busAddressBits: 52 };

/** What a description says where it says nothing: the machine `x86-direct`. */
export const MACHINE_DEFAULTS: Omit<MachineDescription, 'name'> = {
  platform: 'x86',
  memoryBytes: 1024 * MIB,
  ramStart: 0,
  cpus: 1,
  coherent: true,
  confidential: 'none',
  iommu: 'off',
  iommuKind: 'vtd',
  iommuMode: 'legacy',
  forwardsPeers: false,
  commandLine: '',
  diskBytes: 64 * MIB,
  devices: [PLAIN_NVME],
  era: 'phys',
  costs: {},
};

/** @throws {MachineDescriptionError} naming the first value that no machine can have */
export function checkDescription(description: MachineDescription): void {
  const { name, memoryBytes, ramStart, cpus, diskBytes, devices } = description;
  const { confidential, iommu, iommuKind, coherent, platform } = description;
  const demand = (isTrue: boolean, path: string, problem: string, remedy: string): void => {
    if (!isTrue) throw new MachineDescriptionError(name, path, problem, remedy);
  };
  demand(
    memoryBytes % MIB === 0 && memoryBytes >= 64 * MIB,
    'memoryBytes',
    `${memoryBytes} bytes of memory`,
    'give a multiple of 1 MiB from 64 MiB on',
  );
  demand(Number.isInteger(cpus) && cpus >= 1 && cpus <= 64, 'cpus', `${cpus} CPUs`, 'give 1 to 64');
  demand(diskBytes > 0 && diskBytes % 512 === 0, 'diskBytes', `a disk of ${diskBytes} bytes`, 'give a multiple of 512');
  const hasDisk = devices.some(({ kind }) => kind === 'nvme');
  demand(hasDisk, 'devices', 'no disk to run workloads on', 'list a device of kind nvme');
  const guestPlatform = confidential === 'cca' ? 'arm64' : 'x86';
  demand(
    confidential === 'none' || (iommu === 'off' && coherent && platform === guestPlatform),
    'confidential',
    `a guest of kind ${confidential} with an IOMMU, without coherent devices, or on the other platform`,
    `${confidential} is modelled on coherent ${guestPlatform} machines with iommu: off`,
  );
  demand(
    ramStart === 0 || (platform === 'arm64' && ramStart % GIB === 0 && ramStart > 0 && ramStart <= 2 ** 40),
    'ramStart',
    `RAM from 0x${ramStart.toString(16)} on an ${platform} machine`,
    'give 0, or on arm64 a multiple of 1 GiB',
  );
  demand(
    iommu === 'off' || iommuKind !== 'smmuv3' || ramStart > 0,
    'iommuKind',
    'an SMMUv3, whose interrupt messages go to 0x08090000, in the middle of RAM',
    'give platform arm64 and a ramStart of 1 GiB or a multiple of it',
  );
  for (const [i, device] of devices.entries()) checkDevice(name, device, `devices.${i}`);
}

function checkDevice(name: string, device: DeviceDescription, path: string): void {
  if (device.kind === 'nvme') {
    const { busAddressBits } = device;
    if (Number.isInteger(busAddressBits) && busAddressBits >= 32 && busAddressBits <= 52) return;
    throw new MachineDescriptionError(
      name,
      `${path}.busAddressBits`,
      `a bus of ${busAddressBits} address bits`,
      'give 32 to 52',
    );
  }
  const { barBytes } = device;
  if (barBytes >= 2 * MIB && Number.isInteger(Math.log2(barBytes)) && barBytes <= 64 * GIB) return;
  throw new MachineDescriptionError(
    name,
    `${path}.barBytes`,
    `a BAR of ${barBytes} bytes`,
    'give a power of two from 2 MiB to 64 GiB',
  );
}
