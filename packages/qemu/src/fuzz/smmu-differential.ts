import { SmmuV3Unit } from '@dmalab/iommu';
import { PhysMemory } from '@dmalab/phys-memory';
import { DmaEngine } from '../engine/dma-engine.ts';
import { SmmuFaultWindow } from '../engine/fault-window.ts';
import { SMMU_BASE } from '../machine/iommu-places.ts';
import { ARM_VIRT } from '../machine/platform.ts';
import type { QemuMachine } from '../machine/qemu-machine.ts';
import type { FuzzLayout } from './fuzz-layout.ts';
import type { FuzzSetup } from './fuzz-setup.ts';
import { SmmuCases } from './smmu-cases.ts';
import { SMMU_QUEUE_BYTES, SmmuSide } from './smmu-side.ts';

const TABLE_PAGES = 512;
const DATA = 0x4800_0000;
const DATA_BYTES = 3 * 2 ** 21;
const SOURCE_ID = 0x20;
/** IDR5.OAS to bits (spec H57). */
const OUTPUT_BITS = [32, 36, 40, 42, 44, 48, 52];

/** What a machine for this needs: `new QemuMachine(SMMU_FUZZ_MACHINE)`. */
export const SMMU_FUZZ_MACHINE = {
  platform: ARM_VIRT,
  ramBytes: 2 ** 28,
  args: ['-machine', 'iommu=smmuv3'],
  devices: ['nvme,serial=dmalab,addr=4,cmb_size_mb=1'],
} as const;

/** QEMU's SMMUv3 beside our model of it, which gets its identification registers. */
export function smmuDifferential(machine: QemuMachine): FuzzSetup {
  const engine = new DmaEngine(machine, SOURCE_ID);
  const registers = machine.registers(SMMU_BASE);
  const [idr0, idr1, idr3, idr5] = [0x00, 0x04, 0x0c, 0x14].map((offset) => registers.readRegister(offset));
  const memory = new PhysMemory();
  const unit = new SmmuV3Unit({ memory, idr0, idr1, idr3, idr5, deviations: 'qemu' });
  const layout: FuzzLayout = {
    tables: machine.pages.allocPages(0, Math.log2(TABLE_PAGES)),
    tablePages: TABLE_PAGES,
    completions: engine.completions,
    data: DATA,
    dataBytes: DATA_BYTES,
  };
  const queues = machine.pages.allocPages(0, Math.ceil(Math.log2(SMMU_QUEUE_BYTES / 4096)));
  const outputSize = idr5 & 7;
  const cases = new SmmuCases(layout, { sourceId: SOURCE_ID, outputSize, outputBits: OUTPUT_BITS[outputSize] });
  const ours = new SmmuSide(unit, memory, cases.streamTable, queues);
  const theirs = new SmmuSide(registers, machine.ram, cases.streamTable, queues);
  return {
    cases,
    layout,
    model: {
      load: ours.load.bind(ours),
      translate: (iova, isWrite) => unit.translate(SOURCE_ID, iova, isWrite),
      faults: new SmmuFaultWindow(unit, (at) => memory.load32(at)),
    },
    qemu: {
      load: theirs.load.bind(theirs),
      engine,
      faults: new SmmuFaultWindow(registers, (at) => machine.ram.load32(at), engine.completions),
      ram: machine.ram,
    },
  };
}
