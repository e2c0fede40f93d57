import {
  AmdIommu,
  ArmSmmuV3,
  IntelIommu,
  type IommuUnitDriver,
  type IommuUnitDriverOptions,
  RiscvIommu,
} from '@dmalab/iommu';
import type { ConformanceRig } from '@dmalab/iommu/testing';
import { devfn } from '@dmalab/pci-p2p';
import type { PhysMemory, RegisterBacking } from '@dmalab/phys-memory';
import type { QemuDifferenceId } from '../differences.ts';
import {
  amdFaultWindow,
  type FaultWindow,
  riscvFaultWindow,
  SmmuFaultWindow,
  VtdFaultWindow,
} from '../engine/fault-window.ts';
import { AMD_BASE, SMMU_BASE, VTD_BASE, vtdScalableProperty } from '../machine/iommu-places.ts';
import type { PageStock } from '../machine/page-stock.ts';
import { ARM_VIRT, Q35, type QemuPlatform, RISCV_VIRT } from '../machine/platform.ts';
import type { QemuMachine } from '../machine/qemu-machine.ts';
import { QemuBinary } from '../process/qemu-binary.ts';

/** An IOMMU of QEMU's with our driver for it. */
export interface QemuIommu {
  readonly name: string;
  readonly platform: QemuPlatform;
  /** Machine arguments and devices that bring it. */
  readonly args: readonly string[];
  readonly devices: readonly string[];
  readonly hasWriteOnly: boolean;
  /** What it does otherwise than specified. */
  readonly differences: readonly QemuDifferenceId[];
  /** Why it can't be had from the program that is here; empty when it can. */
  whyNot(): string;
  registers(machine: QemuMachine): RegisterBacking;
  makeDriver(options: IommuUnitDriverOptions): IommuUnitDriver;
  /** Undoes what an earlier driver left, as far as the next one does not by itself. */
  stop(registers: RegisterBacking): void;
  faultWindow(machine: QemuMachine): FaultWindow;
  readonly faultLine: ConformanceRig['faultLine'];
}

const VTD_GCMD = 0x18;
const RISCV_RID = devfn(1);

export const VTD_LEGACY: QemuIommu = {
  ...vtd('legacy'),
  name: 'VT-d legacy',
  devices: ['intel-iommu,intremap=off'],
  whyNot: () => missing(Q35, 'intel-iommu'),
};

export const VTD_SCALABLE: QemuIommu = {
  ...vtd('scalable'),
  name: 'VT-d scalable',
  get devices() {
    return [`intel-iommu,intremap=off,${scalableProperty()}=on`];
  },
  whyNot: () => missing(Q35, 'intel-iommu') || (scalableProperty() === undefined ? 'it has no scalable mode' : ''),
};

export const SMMUV3: QemuIommu = {
  name: 'SMMUv3',
  platform: ARM_VIRT,
  args: ['-machine', 'iommu=smmuv3'],
  devices: [],
  hasWriteOnly: false,
  differences: ['smmu-outside-silent'],
  whyNot: () => missing(ARM_VIRT, 'nvme'),
  registers: (machine) => machine.registers(SMMU_BASE),
  makeDriver: (options) => new ArmSmmuV3(options),
  stop: () => {},
  faultWindow: (machine) => new SmmuFaultWindow(machine.registers(SMMU_BASE), (at) => machine.ram.load32(at)),
  faultLine(sourceId, iova) {
    const at = `sid: 0x${sourceId.toString(16)} ssid: 0 iova: 0x${iova.toString(16)} ipa: `;
    return new RegExp(`^arm-smmu-v3 arm-smmu-v3\\.0\\.auto: event: F_(TRANSLATION|PERMISSION) client: .* ${at}`);
  },
};

export const AMD_VI: QemuIommu = {
  name: 'AMD-Vi',
  platform: Q35,
  args: [],
  get devices() {
    // Newer ones translate for emulated devices only when told to.
    const remap = QemuBinary.find(Q35.program).hasProperty('amd-iommu', 'dma-remap') ? ',dma-remap=on' : '';
    return [`amd-iommu,intremap=off${remap}`];
  },
  hasWriteOnly: true,
  get differences() {
    return isRelease(Q35, '7.2') ? ['amd-mode-width' as const, 'amd-no-events' as const] : [];
  },
  whyNot: () => missing(Q35, 'amd-iommu'),
  registers: (machine) => machine.registers(AMD_BASE),
  makeDriver: (options) => new AmdIommu({ ...options, lastDeviceId: 0x3ff }),
  stop: () => {},
  faultWindow: (machine) => amdFaultWindow(machine.registers(AMD_BASE)),
  faultLine(sourceId, iova) {
    const device = `0000:00:${(sourceId >> 3).toString(16).padStart(2, '0')}\\.${sourceId & 7}`;
    return new RegExp(`IO_PAGE_FAULT device=${device} .* address=0x${iova.toString(16)} `);
  },
};

export const RISCV: QemuIommu = {
  name: 'RISC-V IOMMU',
  platform: RISCV_VIRT,
  args: [],
  devices: ['riscv-iommu-pci,addr=1'],
  hasWriteOnly: false,
  differences: [],
  whyNot: () => missing(RISCV_VIRT, 'riscv-iommu-pci'),
  registers: (machine) => machine.registers(machine.pci.enabledBar(RISCV_RID, 0)),
  makeDriver: (options) => new RiscvIommu(options),
  stop: () => {},
  faultWindow: (machine) => riscvFaultWindow(machine.registers(machine.pci.enabledBar(RISCV_RID, 0))),
  faultLine: (sourceId, iova, isWrite) =>
    new RegExp(`: Fault ${isWrite ? 15 : 13} devid: 0x${sourceId.toString(16)} iotval: ${iova.toString(16)} `),
};

/** What a driver of it is made with. */
export function unitOptions(
  { ram, pages, registers }: { ram: PhysMemory; pages: PageStock; registers: RegisterBacking },
  log: (line: string) => void,
): IommuUnitDriverOptions {
  return {
    registers,
    memory: ram,
    log,
    allocTablePage: () => pages.allocTablePage(),
    freeTablePage: (phys) => pages.freeTablePage(phys),
    allocTable: (lengthBytes) => pages.allocTable(lengthBytes),
    freeTable: (phys, lengthBytes) => pages.freeTable(phys, lengthBytes),
  };
}

/** Our driver of a machine's unit, enabled. */
export function startDriver(
  { machine, pages }: { readonly machine: QemuMachine; readonly pages: PageStock },
  iommu: QemuIommu,
  log: (line: string) => void,
): IommuUnitDriver {
  const driver = iommu.makeDriver(unitOptions({ ram: machine.ram, pages, registers: iommu.registers(machine) }, log));
  driver.enable();
  return driver;
}

/** Whether a platform's program is of that release. */
function isRelease({ program }: QemuPlatform, release: string): boolean {
  return QemuBinary.find(program).version.startsWith(`${release}.`);
}

/** Why a platform with that device can't be had; empty when it can. */
export function missing(platform: QemuPlatform, device: string): string {
  try {
    const binary = QemuBinary.find(platform.program);
    return binary.hasDevice(device) ? '' : `${platform.program} ${binary.version} has no ${device}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function vtd(mode: 'legacy' | 'scalable') {
  return {
    platform: Q35,
    args: [],
    hasWriteOnly: true,
    differences: ['vtd-cached-rights'] as const,
    registers: (machine: QemuMachine) => machine.registers(VTD_BASE),
    makeDriver: (options: IommuUnitDriverOptions) => new IntelIommu({ ...options, mode }),
    faultWindow: (machine: QemuMachine) => new VtdFaultWindow(machine.registers(VTD_BASE)),
    faultLine: vtdFaultLine,
    stop: (registers: RegisterBacking) => registers.writeRegister(VTD_GCMD, 0),
  };
}

function vtdFaultLine(sourceId: number, iova: number, isWrite: boolean): RegExp {
  const hex = (value: number, digits = 0) => value.toString(16).padStart(digits, '0');
  const name = `${hex(sourceId >>> 8, 2)}:${hex((sourceId >>> 3) & 31, 2)}\\.${sourceId & 7}`;
  return new RegExp(`\\[DMA ${isWrite ? 'Write' : 'Read'} .*\\[0000:${name}\\] fault addr 0x${hex(iova)} `);
}

function scalableProperty(): string | undefined {
  return vtdScalableProperty(QemuBinary.find(Q35.program));
}
