import { IntelIommu, type IommuUnitDriver, type IommuUnitDriverOptions } from '@dmalab/iommu';
import type { ConformanceRig } from '@dmalab/iommu/testing';
import type { RegisterBacking } from '@dmalab/phys-memory';
import type { QemuDifferenceId } from '../differences.ts';
import { type FaultWindow, VtdFaultWindow } from '../engine/fault-window.ts';
import { Q35, type QemuPlatform } from '../machine/platform.ts';
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
  /** What it does otherwise than specified, as far as tests have to allow for it. */
  readonly differences: readonly QemuDifferenceId[];
  /** Why it can't be had from the program that is here; empty when it can. */
  whyNot(): string;
  registers(machine: QemuMachine): RegisterBacking;
  makeDriver(options: IommuUnitDriverOptions): IommuUnitDriver;
  faultWindow(registers: RegisterBacking): FaultWindow;
  readonly faultLine: ConformanceRig['faultLine'];
}

const VTD_BASE = 0xfed9_0000;

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

/** What a driver of it is made with. */
export function unitOptions(
  machine: QemuMachine,
  iommu: QemuIommu,
  log: (line: string) => void,
): IommuUnitDriverOptions {
  return {
    registers: iommu.registers(machine),
    memory: machine.ram,
    log,
    allocTablePage: () => machine.pages.allocTablePage(),
    freeTablePage: (phys) => machine.pages.freeTablePage(phys),
  };
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
    faultWindow: (registers: RegisterBacking) => new VtdFaultWindow(registers),
    faultLine: vtdFaultLine,
  };
}

function vtdFaultLine(sourceId: number, iova: number, isWrite: boolean): RegExp {
  const hex = (value: number, digits = 0) => value.toString(16).padStart(digits, '0');
  const name = `${hex(sourceId >>> 8, 2)}:${hex((sourceId >>> 3) & 31, 2)}\\.${sourceId & 7}`;
  return new RegExp(`\\[DMA ${isWrite ? 'Write' : 'Read'} .*\\[0000:${name}\\] fault addr 0x${hex(iova)} `);
}

/** The property lost its prefix on the way. */
function scalableProperty(): string | undefined {
  const binary = QemuBinary.find(Q35.program);
  return ['scalable-mode', 'x-scalable-mode'].find((property) => binary.hasProperty('intel-iommu', property));
}
