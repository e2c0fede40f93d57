import { benchmarks } from '@dmalab/bench';
import { unitBenchmarks } from '../testing/unit-benchmarks.ts';
import { RISCV_PRESETS } from './capabilities.ts';
import { RiscvIommu } from './driver/riscv-iommu.ts';
import { RiscvUnit } from './hardware/riscv-unit.ts';

export default benchmarks(
  unitBenchmarks('RISC-V', {
    makeUnit: (memory) => new RiscvUnit({ memory, capabilities: RISCV_PRESETS.qemuPci }),
    makeDriver: (options) => new RiscvIommu(options),
    hitAtMost: 6,
    missAtMost: 40,
    strictAtMost: 36,
  }),
);
