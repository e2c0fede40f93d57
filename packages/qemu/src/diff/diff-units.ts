import { type IommuUnit, SmmuV3Unit, VtdUnit } from '@dmalab/iommu';
import { devfn } from '@dmalab/pci-p2p';
import type { PhysMemory, RegisterBacking } from '@dmalab/phys-memory';
import { ENGINE_BYTES } from '../engine/dma-engine.ts';
import { type FaultReader, SmmuFaultWindow, VtdFaultWindow } from '../engine/fault-window.ts';
import { SMMU_BASE, VTD_BASE, vtdScalableProperty } from '../machine/iommu-places.ts';
import { ARM_VIRT, Q35, type QemuPlatform } from '../machine/platform.ts';
import { QemuMachine, type QemuMachineOptions } from '../machine/qemu-machine.ts';
import { QemuBinary } from '../process/qemu-binary.ts';
import { QemuError } from '../process/qemu-error.ts';
import { ModelDiffSide } from './model-side.ts';
import type { UnitName } from './operation.ts';
import { QemuDiffSide } from './qemu-side.ts';

/** A unit on QEMU, and the model that is like it. */
interface DiffUnit {
  readonly platform: QemuPlatform;
  readonly base: number;
  /** Bytes that QEMU asks the unit for at once (spec B52). */
  readonly pieceBytes: number;
  options(binary: QemuBinary): QemuMachineOptions;
  faults(machine: QemuMachine, registers: RegisterBacking): FaultReader;
  /** A model with the capabilities that QEMU's unit shows. */
  model(registers: RegisterBacking, memory: PhysMemory): IommuUnit;
}

const VTD = {
  platform: Q35,
  base: VTD_BASE,
  pieceBytes: ENGINE_BYTES,
  faults: (_machine: QemuMachine, registers: RegisterBacking) => new VtdFaultWindow(registers),
  model: (registers: RegisterBacking, memory: PhysMemory) =>
    new VtdUnit({ memory, cap: wide(registers, 0x08), ecap: wide(registers, 0x10), faultCodes: 'qemu' }),
};

const UNITS: Readonly<Record<UnitName, DiffUnit>> = {
  vtd: { ...VTD, options: () => ({ devices: ['intel-iommu,intremap=off'] }) },
  'vtd-scalable': { ...VTD, options: scalableOptions },
  smmuv3: {
    platform: ARM_VIRT,
    base: SMMU_BASE,
    pieceBytes: 4,
    options: () => ({ args: ['-machine', 'iommu=smmuv3'] }),
    faults: (machine, registers) => new SmmuFaultWindow(registers, (at) => machine.ram.load32(at)),
    model(registers, memory) {
      const [idr0, idr1, idr3, idr5] = [0x00, 0x04, 0x0c, 0x14].map((offset) => registers.readRegister(offset));
      return new SmmuV3Unit({ memory, idr0, idr1, idr3, idr5, deviations: 'qemu' });
    },
  },
};

/** Both sides of a unit. */
export interface DiffSides {
  readonly model: ModelDiffSide;
  readonly qemu: QemuDiffSide;
  readonly version: string;
}

/**
 * Starts QEMU with that unit and an nvme for each function, and makes a model like it.
 * @param rids functions of bus 0 that do DMA
 * @throws {QemuError}
 */
export function diffSides(name: UnitName, rids: readonly number[], program?: string): DiffSides {
  const { platform, base, pieceBytes, options, faults, model } = UNITS[name];
  const own = program ?? platform.program;
  const { devices = [], args = [] } = options(QemuBinary.find(own));
  const nvmes = rids.map((rid) => `nvme,serial=dmalab${rid},addr=${(rid >>> 3).toString(16)}.${rid & 7},cmb_size_mb=1`);
  const machine = new QemuMachine({ platform, program: own, args, devices: [...devices, ...nvmes] });
  try {
    const registers = machine.registers(base);
    return {
      model: new ModelDiffSide((memory) => model(registers, memory), pieceBytes),
      qemu: new QemuDiffSide(machine, registers, faults(machine, registers), rids),
      version: machine.binary.version,
    };
  } catch (error) {
    machine.close();
    throw error;
  }
}

/** The function whose DMA recorded sequences are about. */
export const RECORDED_RID = devfn(4);

function scalableOptions(binary: QemuBinary): QemuMachineOptions {
  const property = vtdScalableProperty(binary);
  if (property === undefined)
    throw new QemuError('ERR_QEMU_TOO_OLD', `${binary.program} ${binary.version} has no scalable mode`);
  return { devices: [`intel-iommu,intremap=off,${property}=on`] };
}

function wide(registers: RegisterBacking, offset: number): bigint {
  return (BigInt(registers.readRegister(offset + 4)) << 32n) | BigInt(registers.readRegister(offset));
}
