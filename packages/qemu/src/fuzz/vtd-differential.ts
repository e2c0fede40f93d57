import { DmaEngine } from '../engine/dma-engine.ts';
import { VtdFaultWindow } from '../engine/fault-window.ts';
import { VTD_BASE } from '../machine/iommu-places.ts';
import type { QemuMachine } from '../machine/qemu-machine.ts';
import type { FuzzLayout } from './fuzz-layout.ts';
import type { FuzzSetup } from './fuzz-setup.ts';
import { VtdCases } from './vtd-cases.ts';
import { VtdSide, vtdModelLike } from './vtd-side.ts';

const TABLE_PAGES = 64;
const DATA = 0x800_0000;
const DATA_BYTES = 3 * 2 ** 21;

/** What a machine for this needs: `new QemuMachine(VTD_FUZZ_MACHINE)`. */
export const VTD_FUZZ_MACHINE = {
  ramBytes: 2 ** 28,
  devices: ['intel-iommu,intremap=off', 'nvme,serial=dmalab,addr=4,cmb_size_mb=1'],
} as const;

const SOURCE_ID = 0x20;

/** QEMU's VT-d in legacy mode beside our model of it, which gets its capabilities. */
export function vtdDifferential(machine: QemuMachine): FuzzSetup {
  const engine = new DmaEngine(machine, SOURCE_ID);
  const registers = machine.registers(VTD_BASE);
  const { unit, memory } = vtdModelLike(registers);
  const layout: FuzzLayout = {
    tables: machine.pages.allocPages(0, Math.log2(TABLE_PAGES)),
    tablePages: TABLE_PAGES,
    completions: engine.completions,
    data: DATA,
    dataBytes: DATA_BYTES,
  };
  const { capabilities } = unit;
  const levels = capabilities.allowsLevels(4) ? 4 : 3;
  const cases = new VtdCases(layout, { sourceId: SOURCE_ID, levels, addressBits: capabilities.guestAddressBits });
  const [ours, theirs] = [new VtdSide(unit, memory, cases.root), new VtdSide(registers, machine.ram, cases.root)];
  const model = {
    load: ours.load.bind(ours),
    translate: (iova: number, isWrite: 0 | 1) => unit.translate(SOURCE_ID, iova, isWrite),
    faults: new VtdFaultWindow(unit),
  };
  const qemu = { load: theirs.load.bind(theirs), engine, faults: new VtdFaultWindow(registers), ram: machine.ram };
  return { cases, layout, model, qemu };
}
