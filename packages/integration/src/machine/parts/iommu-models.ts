import {
  AMD_HYPERTRANSPORT_REGION,
  AMD_PRESETS,
  AmdIommu,
  AmdUnit,
  ArmSmmuV3,
  IntelIommu,
  type IommuUnit,
  type IommuUnitDriver,
  type IommuUnitDriverOptions,
  type ReservedRegion,
  RISCV_PRESETS,
  RiscvIommu,
  RiscvUnit,
  SMMU_PRESETS,
  SmmuV3Unit,
  SW_MSI_REGION,
  type TableMemory,
  VTD_PRESETS,
  VtdUnit,
  X86_MSI_REGION,
} from '@dmalab/iommu';

/** Whose IOMMU a machine has. */
export type IommuKind = 'vtd' | 'amd' | 'smmuv3' | 'riscv';

/** An IOMMU that a machine may have, with the driver that its kernel has for it. */
export interface IommuModel {
  /** What people call it. */
  readonly title: string;
  /** Register by which its driver hands over what it has queued. */
  readonly queueTail: number;
  /** IOVAs that no mapping gets behind it (spec I139). */
  readonly regions: readonly ReservedRegion[];
  /** Page of interrupt messages that the unit translates like any write (spec H10, I141); absent where it lets them be. */
  readonly doorbellPage?: number;
  readonly makeUnit: (memory: TableMemory) => IommuUnit;
  readonly makeDriver: (options: IommuUnitDriverOptions) => IommuUnitDriver;
}

function vtd({ cap, ecap }: { readonly cap: bigint; readonly ecap: bigint }): IommuModel {
  return {
    title: 'Intel VT-d',
    queueTail: 0x88,
    regions: [X86_MSI_REGION],
    makeUnit: (memory) => new VtdUnit({ memory, cap, ecap }),
    makeDriver: (options) => new IntelIommu(options),
  };
}

const { efr, capability } = AMD_PRESETS.full;
const AMD: IommuModel = {
  title: 'AMD-Vi',
  queueTail: 0x2008,
  regions: [X86_MSI_REGION, AMD_HYPERTRANSPORT_REGION],
  makeUnit: (memory) => new AmdUnit({ memory, efr, capability }),
  makeDriver: (options) => new AmdIommu({ ...options, capability }),
};

const RISCV: IommuModel = {
  title: 'RISC-V',
  queueTail: 0x24,
  regions: [X86_MSI_REGION], // the interrupt controller of every machine here is where a q35 has it
  makeUnit: (memory) => new RiscvUnit({ memory, capabilities: RISCV_PRESETS.full }),
  makeDriver: (options) => new RiscvIommu(options),
};

/** Its interrupt messages go where QEMU's virt machine takes them. */
const SMMUV3: IommuModel = {
  title: 'Arm SMMUv3',
  queueTail: 0x98,
  regions: [SW_MSI_REGION],
  doorbellPage: 0x0809_0000,
  makeUnit: (memory) => new SmmuV3Unit({ memory, ...SMMU_PRESETS.qemu }),
  makeDriver: (options) => new ArmSmmuV3(options),
};

/** By kind, and by the mode that VT-d units have. */
export const IOMMU_MODELS: Readonly<Record<IommuKind, Readonly<Record<'legacy' | 'scalable', IommuModel>>>> = {
  vtd: { legacy: vtd(VTD_PRESETS.qemuLegacy), scalable: vtd(VTD_PRESETS.qemuFirstStage) },
  amd: { legacy: AMD, scalable: AMD },
  smmuv3: { legacy: SMMUV3, scalable: SMMUV3 },
  riscv: { legacy: RISCV, scalable: RISCV },
};
