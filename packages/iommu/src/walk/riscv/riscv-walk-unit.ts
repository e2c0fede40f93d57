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

/** A device's tables, and whether hardware marks their entries as used (SADE, GADE). */
export interface RiscvDeviceTables extends DeviceTables {
  readonly setsMarks: boolean;
}

/** RISC-V IOMMU: device directories of one to three levels, either stage alone. */
export class RiscvWalkUnit implements WalkUnit<RiscvDeviceTables> {
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

  deviceTables(dump: TableDump, sourceId: number): RiscvDeviceTables {
    if (!this.translationEnabled)
      throw new WalkError('ERR_WALK_REGISTERS', `there are no tables: ${this.disabledNote}`);
    const { words, steps } = new DumpedDirectory(dump, this.#registers).find(sourceId);
    const field = (qword: number, field: Field) => get(words[qword * 2], words[qword * 2 + 1], field);
    const tables = tablesOf(dump, sourceId, field, steps);
    return { ...tables, setsMarks: field(0, tables.translation === 'second-stage' ? tc.GADE : tc.SADE) === 1 };
  }

  pagingFormat({ sourceId, translation, levels, setsMarks }: RiscvDeviceTables): PagingFormat {
    if (translation === 'nested') throw nested(sourceId);
    if (levels < 3 || levels > 5) {
      const device = formatDevice(sourceId);
      throw new WalkError('ERR_WALK_NO_CONTEXT', `the context of device ${device} asks for a mode that does not exist`);
    }
    const format = new RiscvFormat(levels, translation === 'first-stage' ? 'first' : 'second', {
      largestPageShift: 48, // hardware has all, though Linux leaves 256 TiB out (spec H96, I152)
      setsMarks,
    });
    return { format, layout: RiscvPte, limit: format.apertureEnd + 1 };
  }
}

const BARE: Stage = { root: 0, levels: 0 };

function stageOf(mode: number, ppn: number): Stage {
  if (mode === RiscvPagingMode.BARE) return BARE;
  return { root: ppn * 4096, levels: mode - RiscvPagingMode.SV39 + 3 };
}

/** What a device context leads to; `field` reads one of its qwords. */
function tablesOf(
  dump: TableDump,
  sourceId: number,
  field: (qword: number, field: Field) => number,
  steps: readonly WalkStep[],
): DeviceTables {
  const second = stageOf(field(1, iohgatp.MODE), field(1, iohgatp.PPN));
  const gscid = field(1, iohgatp.GSCID);
  if (field(0, tc.PDTV) === 0) {
    const first = stageOf(field(3, fsc.MODE), field(3, fsc.PPN));
    return stacked({ sourceId, steps }, first, second, field(2, ta.PSCID), gscid);
  }
  const levels = field(0, tc.DPE) === 1 ? field(3, fsc.MODE) : 0;
  if (levels === 0) return stacked({ sourceId, steps }, BARE, second, 0, gscid);
  if (second.levels > 0) throw nested(sourceId);
  const process = findDefaultProcess(dump, sourceId, field(3, fsc.PPN) * 4096, levels);
  const first = stageOf(get(process.low, process.high, fsc.MODE), get(process.low, process.high, fsc.PPN));
  return stacked({ sourceId, steps: [...steps, ...process.steps] }, first, second, process.pscid, gscid);
}

/** Translations of the first stage are tagged with the PSCID, those of the second with the GSCID (spec H98). */
function stacked(
  head: Pick<DeviceTables, 'sourceId' | 'steps'>,
  first: Stage,
  second: Stage,
  pscid: number,
  gscid: number,
): DeviceTables {
  if (first.levels === 0 && second.levels === 0) return { ...head, translation: 'pass-through', domainId: 0, ...BARE };
  if (first.levels === 0) return { ...head, translation: 'second-stage', domainId: gscid, ...second };
  if (second.levels === 0) return { ...head, translation: 'first-stage', domainId: pscid, ...first };
  return { ...head, translation: 'nested', domainId: pscid, ...first, secondStage: second };
}

function nested(sourceId: number): WalkError {
  const device = formatDevice(sourceId);
  return new WalkError('ERR_WALK_NESTED', `device ${device} has nested translation, which this walk does not follow`);
}
