import { RiscvFormat } from '../../page-table/riscv-format.ts';
import { type Field, get } from '../../spec/bits.ts';
import { RiscvPte } from '../../spec/riscv-paging.ts';
import { RiscvDeviceContext, RiscvPagingMode } from '../../spec/riscv-tables.ts';
import { formatDevice } from '../device-address.ts';
import type { TableDump } from '../table-dump.ts';
import { WalkError } from '../walk-error.ts';
import type { WalkStep } from '../walk-step.ts';
import type { DeviceTables, PagingFormat, WalkUnit } from '../walk-unit.ts';
import { DumpedDirectory } from './device-directory.ts';
import { findDefaultProcess } from './process-context.ts';
import type { RiscvRegisters } from './riscv-registers.ts';

const { tc, iohgatp, ta, fsc } = RiscvDeviceContext;

/** Root and levels of one stage; 0 levels: bare. */
interface Stage {
  readonly root: number;
  readonly levels: number;
}

/** RISC-V IOMMU: device directories of one to three levels, either stage alone. */
export class RiscvWalkUnit implements WalkUnit {
  readonly #registers: RiscvRegisters;

  constructor(registers: RiscvRegisters) {
    this.#registers = registers;
  }

  get translationEnabled(): boolean {
    return this.#registers.levels > 0;
  }

  get disabledNote(): string {
    const what = this.#registers.isBare ? 'BARE: devices reach memory untranslated' : 'OFF: every request is blocked';
    return `ddtp is ${what}, whatever the tables hold`;
  }

  listDevices(dump: TableDump): number[] {
    return new DumpedDirectory(dump, this.#registers).list();
  }

  deviceTables(dump: TableDump, sourceId: number): DeviceTables {
    if (!this.translationEnabled)
      throw new WalkError('ERR_WALK_REGISTERS', `there are no tables: ${this.disabledNote}`);
    const { words, steps } = new DumpedDirectory(dump, this.#registers).find(sourceId);
    const field = (qword: number, field: Field) => get(words[qword * 2], words[qword * 2 + 1], field);
    const second = stageOf(field(1, iohgatp.MODE), field(1, iohgatp.PPN));
    if (field(0, tc.PDTV) === 0) {
      const first = stageOf(field(3, fsc.MODE), field(3, fsc.PPN));
      return tablesOf(sourceId, first, second, field(2, ta.PSCID), field(1, iohgatp.GSCID), steps);
    }
    const levels = field(0, tc.DPE) === 1 ? field(3, fsc.MODE) : 0;
    if (levels === 0) return tablesOf(sourceId, BARE, second, 0, field(1, iohgatp.GSCID), steps);
    if (second.levels > 0) throw nested(sourceId);
    const process = findDefaultProcess(dump, sourceId, field(3, fsc.PPN) * 4096, levels);
    const first = stageOf(get(process.low, process.high, fsc.MODE), get(process.low, process.high, fsc.PPN));
    return tablesOf(sourceId, first, second, process.pscid, 0, [...steps, ...process.steps]);
  }

  pagingFormat({ sourceId, translation, levels }: DeviceTables): PagingFormat {
    if (translation === 'nested') throw nested(sourceId);
    if (levels < 3 || levels > 5) {
      const device = formatDevice(sourceId);
      throw new WalkError('ERR_WALK_NO_CONTEXT', `the context of device ${device} asks for a mode that does not exist`);
    }
    const format = new RiscvFormat(levels, translation === 'first-stage' ? 'first' : 'second');
    return { format, layout: RiscvPte, limit: format.apertureEnd + 1 };
  }
}

const BARE: Stage = { root: 0, levels: 0 };

function stageOf(mode: number, ppn: number): Stage {
  if (mode === RiscvPagingMode.BARE) return BARE;
  return { root: ppn * 4096, levels: mode - RiscvPagingMode.SV39 + 3 };
}

/** Translations of the first stage are tagged with the PSCID, those of the second with the GSCID (spec H98). */
function tablesOf(
  sourceId: number,
  first: Stage,
  second: Stage,
  pscid: number,
  gscid: number,
  steps: readonly WalkStep[],
): DeviceTables {
  const head = { sourceId, steps };
  if (first.levels === 0 && second.levels === 0) return { ...head, translation: 'pass-through', domainId: 0, ...BARE };
  if (first.levels === 0) return { ...head, translation: 'second-stage', domainId: gscid, ...second };
  if (second.levels === 0) return { ...head, translation: 'first-stage', domainId: pscid, ...first };
  return { ...head, translation: 'nested', domainId: pscid, ...first, secondStage: second };
}

function nested(sourceId: number): WalkError {
  const device = formatDevice(sourceId);
  return new WalkError('ERR_WALK_NESTED', `device ${device} has nested translation, which this walk does not follow`);
}
