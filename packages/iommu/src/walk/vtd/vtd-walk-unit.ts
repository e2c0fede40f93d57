import type { TableDump } from '../table-dump.ts';
import type { DeviceTables, PagingFormat, WalkUnit } from '../walk-unit.ts';
import { findDeviceTables } from './device-tables.ts';
import { listDevices } from './list-devices.ts';
import { pagingFormat } from './paging-format.ts';
import type { VtdRegisters } from './vtd-registers.ts';

/** Intel VT-d, legacy and scalable mode. */
export class VtdWalkUnit implements WalkUnit {
  readonly disabledNote =
    'GSTS says that translation is off: devices reach memory untranslated, whatever the tables hold';
  readonly #registers: VtdRegisters;

  constructor(registers: VtdRegisters) {
    this.#registers = registers;
  }

  get translationEnabled(): boolean {
    return this.#registers.translationEnabled;
  }

  listDevices(dump: TableDump): number[] {
    return listDevices(dump, this.#registers);
  }

  deviceTables(dump: TableDump, sourceId: number): DeviceTables {
    return findDeviceTables(dump, this.#registers, sourceId);
  }

  pagingFormat(tables: DeviceTables): PagingFormat {
    return pagingFormat(tables, this.#registers);
  }
}
