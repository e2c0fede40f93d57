import { AmdV1Format } from '../../page-table/amd-v1-format.ts';
import { FirstStageFormat } from '../../page-table/first-stage-format.ts';
import { AMD_MOST_LEVELS, AmdPageEntry } from '../../spec/amd-paging.ts';
import { FirstStageEntry } from '../../spec/vtd-paging.ts';
import { formatDevice } from '../device-address.ts';
import type { TableDump } from '../table-dump.ts';
import { WalkError } from '../walk-error.ts';
import type { PagingFormat, WalkUnit } from '../walk-unit.ts';
import type { AmdRegisters } from './amd-registers.ts';
import { type AmdDeviceTables, findDeviceTables, listDevices } from './device-tables.ts';

/** Every power of two from 4 KiB on: hardware has them all, though Linux leaves 512 GiB out (spec H37). */
const PAGE_SIZES = 2 ** 52 - 2 ** 12;
/** Guest paging mode 1 (spec H34); 2 and 3 are none. */
const MOST_GUEST_LEVELS = 5;
const GUEST_PAGE_SIZES = 2 ** 12 + 2 ** 21 + 2 ** 30;

/** AMD-Vi, host tables (version 1) and guest tables (version 2) without host tables below them. */
export class AmdWalkUnit implements WalkUnit<AmdDeviceTables> {
  readonly disabledNote =
    'the control register says that translation is off: devices reach memory untranslated, whatever the tables hold';
  readonly #registers: AmdRegisters;

  constructor(registers: AmdRegisters) {
    this.#registers = registers;
  }

  get translationEnabled(): boolean {
    return this.#registers.translationEnabled;
  }

  listDevices(dump: TableDump): number[] {
    return listDevices(dump, this.#registers);
  }

  deviceTables(dump: TableDump, sourceId: number): AmdDeviceTables {
    return findDeviceTables(dump, this.#registers, sourceId);
  }

  pagingFormat({ sourceId, translation, levels, rights }: AmdDeviceTables): PagingFormat {
    const device = formatDevice(sourceId);
    if (translation === 'nested') {
      throw new WalkError(
        'ERR_WALK_NESTED',
        `device ${device} has nested translation, which this walk does not follow`,
      );
    }
    if (translation === 'first-stage') {
      if (levels > MOST_GUEST_LEVELS) throw tooDeep(device, levels, '4 and 5');
      const format = new FirstStageFormat(levels, GUEST_PAGE_SIZES, 52);
      return { format, layout: FirstStageEntry, limit: format.apertureEnd + 1, rights };
    }
    if (levels > AMD_MOST_LEVELS) throw tooDeep(device, levels, '1 to 6');
    const format = new AmdV1Format(levels, levels, PAGE_SIZES);
    return { format, layout: AmdPageEntry, limit: format.apertureEnd + 1, rights };
  }
}

function tooDeep(device: string, levels: number, existing: string): WalkError {
  return new WalkError(
    'ERR_WALK_NO_CONTEXT',
    `the entry of device ${device} asks for ${levels} levels: ${existing} exist`,
  );
}
